import { META_KEY } from '../../protocol/event-meta.ts';

/**
 * Fields that differ between two publications of one switch event: every ecallmgr publishes it under its own name. The
 * id must not depend on them, nor on the order of keys, which also differs between publishers.
 */
const PUBLISHER_KEYS = ['Node', 'Server-ID', 'App-Name', 'App-Version', 'Ecallmgr-Node'] as const;

/** Keys of an event that the intake reads. */
export const EVENT_KEYS = [
  ...PUBLISHER_KEYS,
  'Custom-Channel-Vars',
  'Event-Category',
  'Event-Name',
  'Call-ID',
  'Msg-ID',
  'Timestamp',
  'Account-ID',
  META_KEY,
] as const;

/** The number of such a key in a scan of an event. */
export function numberOf(key: (typeof EVENT_KEYS)[number]): number {
  return EVENT_KEYS.indexOf(key);
}

/** Whether the publisher writes it, by its number. */
export function isOfPublisher(key: number): boolean {
  return key >= 0 && key < PUBLISHER_KEYS.length;
}
