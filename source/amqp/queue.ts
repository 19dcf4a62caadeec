/** The source's own queue. Its arguments cannot change later: RabbitMQ refuses a different declaration with 406. */
export interface QueueSpec {
  /** `firehose.<namespace>.<name>`. */
  readonly name: string;
  readonly type: 'Quorum' | 'Classic';
  readonly maxLength: number;
  readonly messageTtlMs: number;
  /** The broker deletes the queue after this long without a consumer: an uninstalled source leaves nothing behind. */
  readonly expiresMs: number;
}

/**
 * RabbitMQ 4 drops a message of a quorum queue after 20 deliveries. A source that crashes repeatedly with
 * unacknowledged messages reaches that in minutes. There, -1 means no limit, but 3.10 refuses it. This is the largest
 * value that both accept.
 */
const DELIVERY_LIMIT = 2 ** 31 - 1;

/**
 * Durable, with a single active consumer: the other replicas stand by at the broker, and the order holds. A quorum
 * queue, because Kazoo publishes transient messages, which a classic queue loses when the broker stops. A full queue
 * drops the oldest message first.
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

/** `call.<NAME>.*` for each name: a Call-ID's dots are written `%2E`. */
export function bindingKeys(names: readonly string[]): readonly string[] {
  return names.map((name) => `call.${name}.*`);
}

/** `firehose.<namespace>.<name>` from `<namespace>/<name>`: a namespace has no dot. */
export function queueName(source: string): string {
  return `firehose.${source.replace('/', '.')}`;
}
