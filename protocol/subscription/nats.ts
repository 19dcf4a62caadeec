import { z } from 'zod';
import { duration, objectName, ruled, secretRef, setOf } from './rules.ts';
import { platformOnly } from './takes-effect.ts';

const MOST_SERVERS = 16;

/** Host and port: credentials are in Secrets. */
const SERVER = /^(nats|tls):\/\/([A-Za-z0-9][-A-Za-z0-9.]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$/;

/** Tokens between dots, of letters, digits, `_`, `-` and placeholders. */
const SUBJECT = /^([A-Za-z0-9_-]|\{(account|event|call)\})+(\.([A-Za-z0-9_-]|\{(account|event|call)\})+)*$/;

/** A stream of NATS JetStream that gets a group's events. A standalone gateway has its credentials in files, see ../nats-files.ts. */
export const nats = ruled(
  z.strictObject({
    /** Servers of one cluster. `tls://` connects with TLS alone, `nats://` without it. */
    servers: setOf(
      z.string().max(1_024).regex(SERVER, 'an address as nats://nats.example.com:4222 or tls://nats.example.com:4222'),
      MOST_SERVERS,
      1,
    ),
    /** The stream that must store the events. Absent: the one that listens to the subject. */
    stream: z
      .string()
      .min(1)
      .max(255)
      .regex(/^[A-Za-z0-9_-]+$/, 'the name of a stream')
      .optional(),
    /** `{account}`, `{event}` and `{call}` are replaced by id, name and call id, each as one token. */
    subject: z
      .string()
      .min(1)
      .max(255)
      .regex(SUBJECT, 'a subject as firehose.{account}.{event}')
      .default('firehose.{account}.{event}'),
    /** A user of the group's account: nothing is sent while it could not log in. Absent: only the account decides. */
    user: z.string().min(1).max(128).optional(),
    /** A credentials file of NATS: the JWT of a user and its seed. */
    credsSecretRef: platformOnly(secretRef('user.creds').optional()),
    tokenSecretRef: platformOnly(secretRef('token').optional()),
    /** A Secret of type kubernetes.io/basic-auth. */
    loginSecretName: platformOnly(objectName().optional()),
    /** Certificate authorities for the servers' certificates. Absent: those of Node.js. */
    caSecretRef: platformOnly(secretRef('ca.crt').optional()),
    /** Of one message, from its publication to the acknowledgement of the stream. */
    timeout: duration('1s', '60s').default('5s'),
    /** Messages of one replica that wait for their acknowledgement, each of another call. */
    concurrency: z.int().min(1).max(1_024).default(256),
    /** As of webhooks. */
    format: z.enum(['Standard', 'CloudEvents', 'Raw']).default('Standard'),
  }),
  {
    cel: '[has(self.credsSecretRef), has(self.tokenSecretRef), has(self.loginSecretName)].filter(one, one).size() <= 1',
    holds: ({ credsSecretRef, tokenSecretRef, loginSecretName }) =>
      [credsSecretRef, tokenSecretRef, loginSecretName].filter((one) => one !== undefined).length <= 1,
    message: 'nats has one of credsSecretRef, tokenSecretRef and loginSecretName',
  },
  {
    cel: "!has(self.caSecretRef) || self.servers.all(server, server.startsWith('tls://'))",
    holds: ({ caSecretRef, servers }) => caSecretRef === undefined || servers.every((one) => one.startsWith('tls://')),
    message: 'nats.caSecretRef belongs to servers with tls://',
    field: 'caSecretRef',
  },
);

export type Nats = z.output<typeof nats>;
