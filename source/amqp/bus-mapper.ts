import type { MappedEvent, Mapper } from '../mapper.ts';

/** A message of an exchange. */
export interface BusMessage {
  /**
   * Kazoo: `call.<NAME>.<Call-ID>`; undefined when a capture lacks it: then the name is not compared. Other switches
   * put no meaning into it.
   */
  readonly routingKey: string | undefined;
  readonly body: Buffer;
}

/**
 * A mapper of messages that are acknowledged. It numbers them in order, from 1; the number is the end of an event's
 * position.
 */
export interface BusMapper extends Mapper<BusMessage> {
  /** Number of the oldest message with events that wait in the mapper; null when none waits. */
  heldFrom(): number | null;
}

/** Number of the message that a position belongs to. */
export function messageOf(position: MappedEvent['position']): number {
  return Number(position.slice(position.lastIndexOf(':') + 1));
}
