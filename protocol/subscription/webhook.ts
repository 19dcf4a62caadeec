import { z } from 'zod';
import { duration, httpAddress, listOf, ruled, secretRef } from './rules.ts';
import { platformOnly } from './takes-effect.ts';

/** The previous secret also signs, until receivers have the current one. */
const MOST_SECRETS = 2;

/**
 * Where a group's events are sent. A standalone gateway has the secrets in files beside its subscription, see
 * ../webhook-files.ts.
 */
export const webhook = ruled(
  z.strictObject({
    url: httpAddress('https://crm.example.com/hooks/firehose'),
    /** A user of the group's account: nothing is sent while it could not log in. Absent: only the account decides. */
    user: z.string().min(1).max(128).optional(),
    /** Signing secrets, the current one first. */
    secretRefs: platformOnly(listOf(secretRef('secret'), MOST_SECRETS, 1).optional()),
    /** Of one request, from its start to the end of the answer's head. */
    timeout: duration('1s', '60s').default('15s'),
    /** Concurrent requests of one replica. */
    concurrency: z.int().min(1).max(256).default(32),
    /** Events of different calls in one request. */
    batch: z
      .strictObject({
        maxEvents: z.int().min(1).max(100).default(1),
        /** The first event of a batch waits so long for others. */
        maxWaitMilliseconds: z.int().min(0).max(1_000).default(0),
      })
      .prefault({}),
    /** Standard: type, time and event, as Standard Webhooks has it; CloudEvents: as CloudEvents 1.0; Raw: the event alone. */
    format: z.enum(['Standard', 'CloudEvents', 'Raw']).default('Standard'),
    /** After this time of nothing but failures it is switched off. */
    disableAfter: duration('1m', '720h').default('72h'),
    /** Also allows addresses of private networks, and plain HTTP. */
    allowPrivateAddresses: z.boolean().default(false),
    /** Certificate authorities for the receiver's certificate. Absent: those of Node.js. */
    caSecretRef: platformOnly(secretRef('ca.crt').optional()),
  }),
  {
    cel: "(has(self.allowPrivateAddresses) && self.allowPrivateAddresses) || self.url.startsWith('https://')",
    holds: ({ url, allowPrivateAddresses }) => allowPrivateAddresses || url.startsWith('https://'),
    message: 'webhook.url is https, unless allowPrivateAddresses is set: events hold personal data',
    field: 'url',
  },
);

export type Webhook = z.output<typeof webhook>;
