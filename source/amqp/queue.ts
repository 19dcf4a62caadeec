/** The source's own queue. Its arguments cannot be changed later: RabbitMQ refuses others with 406. */
export interface QueueSpec {
  /** `firehose.<namespace>.<name>`. */
  readonly name: string;
  readonly type: 'Quorum' | 'Classic';
  readonly maxLength: number;
  readonly messageTtlMs: number;
  /** Without a consumer for this long, the broker deletes it: an uninstalled source leaves nothing behind. */
  readonly expiresMs: number;
}

/**
 * RabbitMQ 4 drops a message of a quorum queue that was given out 20 times, which a source that ends again and again while it has
 * messages in hand reaches in minutes. -1 is no limit there, and refused by 3.10: this is the largest that both take.
 */
const DELIVERY_LIMIT = 2 ** 31 - 1;

/**
 * Durable, with a single active consumer: replicas stand by at the broker, and the order holds. Quorum, because Kazoo
 * publishes transient messages, which a classic queue loses when the broker stops. The oldest message goes first.
 */
export function queueOptions({ type, maxLength, messageTtlMs, expiresMs }: QueueSpec) {
  return {
    durable: true,
    arguments: {
      'x-queue-type': type.toLowerCase(),
      'x-single-active-consumer': true,
      'x-max-length': maxLength,
      'x-overflow': 'drop-head',
      'x-message-ttl': messageTtlMs,
      'x-expires': expiresMs,
      ...(type === 'Quorum' && { 'x-delivery-limit': DELIVERY_LIMIT }),
    },
  };
}

/** `call.<NAME>.*` for each name: the dots of a Call-ID are `%2E`. */
export function bindingKeys(names: readonly string[]): readonly string[] {
  return names.map((name) => `call.${name}.*`);
}

/** `firehose.<namespace>.<name>` of `<namespace>/<name>`: a namespace has no dot. */
export function queueName(source: string): string {
  return `firehose.${source.replace('/', '.')}`;
}
