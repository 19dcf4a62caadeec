import { KNOWN_EVENTS } from '../../protocol/catalogue.ts';
import type { Wanted } from '../amqp/bindings.ts';
import { bindingKeys, queueName, type QueueSpec } from '../amqp/queue.ts';

/** What is consumed from Kazoo's bus. */
export interface KazooBus {
  /** `<namespace>/<name>`. */
  readonly source: string;
  /** `callevt`, the name in Kazoo. */
  readonly exchange: string;
  /** Creates the exchange as Kazoo does; the user needs the right to configure it. */
  readonly declareExchange: boolean;
  readonly queue: Omit<QueueSpec, 'name'>;
  /** Event names beyond the catalogue. */
  readonly additionalEvents: readonly string[];
}

/** The queue of a Kazoo source and its bindings: one for each event name, never the whole bus. */
export function kazooWanted({ source, exchange, declareExchange, queue, additionalEvents }: KazooBus): Wanted {
  return {
    exchange: { name: exchange, declare: declareExchange },
    queue: { ...queue, name: queueName(source) },
    keys: bindingKeys([...new Set([...KNOWN_EVENTS, ...additionalEvents])]),
  };
}
