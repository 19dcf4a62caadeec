import { z } from 'zod';
import { duration, httpAddress, ruled, secretRef } from './rules.ts';
import { platformOnly } from './takes-effect.ts';

/** The contract over HTTP, see docs/directory.md. */
const http = z.strictObject({
  url: httpAddress('https://directory.example.com/firehose'),
  /** A standalone gateway has `FIREHOSE_DIRECTORY_TOKEN_FILE`. */
  tokenSecretRef: platformOnly(secretRef('token').optional()),
  /** A standalone gateway has `FIREHOSE_DIRECTORY_CA_FILE`. */
  caSecretRef: platformOnly(secretRef('ca.crt').optional()),
  /** Between two polls; each is up to 20 % earlier or later. */
  interval: duration('5s', '1h').default('30s'),
  /** A snapshot that lacks more accounts than this takes effect only when three consecutive polls return it. */
  maxShrinkPercent: z.int().min(0).max(100).default(50),
});

/** Where accounts and users come from. A file may name neither: `directory.yaml` is beside it. */
export const directory = ruled(
  z.strictObject({ secretRef: platformOnly(secretRef('directory.yaml').optional()), http: http.optional() }),
  {
    cel: 'has(self.secretRef) != has(self.http)',
    holds: ({ secretRef: secret, http: server }) => (secret === undefined) !== (server === undefined),
    message: 'auth.directory has either secretRef or http',
  },
);
