import { encodeMeta } from '../../protocol/entry.ts';
import type { StoredEntry } from '../../event-log/event-log.ts';

/** A stored entry like a producer's: enough of an event to be distinguished. */
export function entryOf(options: {
  sequence: number;
  account: string;
  name?: string;
  partition?: number;
  data?: string;
}): StoredEntry {
  const { sequence, account, name = 'CHANNEL_ANSWER', partition = 0 } = options;
  const data = options.data ?? JSON.stringify({ 'Event-Name': name, 'Call-ID': 'c', n: sequence, account });
  return {
    partition,
    id: `${1_700_000_000_000 + sequence}-0`,
    meta: encodeMeta({ name, account, callId: 'c', eventId: `e${sequence}`, ingestedAt: '', traceparent: '' }),
    data: Buffer.from(data),
  };
}
