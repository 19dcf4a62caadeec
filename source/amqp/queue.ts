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
