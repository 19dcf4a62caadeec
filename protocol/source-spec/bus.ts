import { z } from 'zod';
import { duration, hostName, immutable, listOf, objectName, ruled, secretRef } from '../subscription/rules.ts';
import { followed } from '../subscription/takes-effect.ts';
import { endpointName } from './endpoint-name.ts';

const DEFAULT_BROKER = 'broker';

const broker = z.strictObject({
  name: endpointName().default(DEFAULT_BROKER),
  /** `amqp://user:password@host:5672/vhost`, or amqps. A standalone process has it in its folder of secrets. */
  urlSecretRef: secretRef('url').optional(),
  tls: z
    .strictObject({
      caSecretRef: secretRef('ca.crt').optional(),
      /** A Secret of type kubernetes.io/tls. */
      clientCertSecretName: objectName().optional(),
      serverName: hostName().optional(),
    })
    .prefault({}),
});
export type BrokerSpec = z.output<typeof broker>;

const NAME_OF = (item: string) => `(has(${item}.name) ? ${item}.name : '${DEFAULT_BROKER}')`;

/**
 * The brokers of one platform, for example one for each zone: each has a queue of its own, and a federated event has
 * the same id in all of them.
 */
const brokers = ruled(listOf(broker, 16, 1), {
  cel: `self.all(one, self.exists_one(other, ${NAME_OF('one')} == ${NAME_OF('other')}))`,
  holds: (list) => new Set(list.map(({ name }) => name)).size === list.length,
  message: `each broker has a name of its own; '${DEFAULT_BROKER}' where none is given`,
});

const queue = z.strictObject({
  /** Switches publish transient messages: a Classic queue loses them when the broker stops. */
  type: z.enum(['Quorum', 'Classic']).default('Quorum'),
  /** Most messages that wait while no replica consumes; then the oldest is dropped. */
  maxLength: z.int().min(1).max(100_000_000).default(500_000),
  messageTTL: duration('1m', '168h').default('1h'),
  /** The broker deletes a queue that no replica has used for this long. */
  expires: duration('1m', '720h').default('24h'),
});

/** What is consumed from RabbitMQ. `place` names the section for messages. */
export function busFields(place: string, exchange: string) {
  return {
    brokers: followed(brokers),
    exchange: z
      .string()
      .max(127)
      .regex(/^[A-Za-z0-9_.:-]{1,127}$/, 'the name of an exchange')
      .default(exchange),
    queue: immutable(
      queue,
      `${place}.queue cannot be changed: the broker keeps the arguments of a queue; make another resource`,
    ).prefault({}),
    /** Messages that a replica takes before the log has the first of them. */
    prefetch: z.int().min(1).max(10_000).default(1_000),
  };
}
