import type { MappedEvent, Mapper } from '../mapper.ts';

/** A message of an exchange. */
export interface BusMessage {
  /**
   * Kazoo: `call.<NAME>.<Call-ID>`; undefined when a capture does not tell it: then the name is not compared. Other
   * switches tell nothing by it.
   */
  readonly routingKey: string | undefined;
  readonly body: Buffer;
}

/**
 * A mapper of messages that are acknowledged: it numbers them in their order, from 1, and the number stands at the end of
 * an event's position.
 */
export interface BusMapper extends Mapper<BusMessage> {
  /** Number of the oldest message whose events wait in the mapper; null when none does. */
  heldFrom(): number | null;
}

/** The message that a position belongs to. */
export function messageOf(position: MappedEvent['position']): number {
  return Number(position.slice(position.lastIndexOf(':') + 1));
}
