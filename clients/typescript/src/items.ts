import type { Call } from './call.ts';
import type { CallEvent } from './call-event.ts';

/** A call event with the gateway's metadata. */
export interface EventItem {
  readonly type: 'event';
  readonly event: CallEvent;
  /** Stable: every redelivery of an event has the same id. */
  readonly id: string;
  /** Cursor that continues after this event. */
  readonly cursor: string;
  /** Account id; null when the gateway does not know it. */
  readonly account: string | null;
  /** RFC 3339 with microseconds. */
  readonly ingestedAt: string | null;
}

/** Events of this stream were lost: read the present state from another place. */
export interface GapItem {
  readonly type: 'gap';
  /** For example `cursor_too_old`, `epoch_lost`, `trimmed`; `source_gap`: nothing listened to a switch for a time. */
  readonly reason: string;
  /** The requested cursor or time. */
  readonly requested: string | null;
  /** Entries of all accounts; null when unknown. */
  readonly missed: number | null;
}

/** The live calls at one position of the stream: the items after it follow that position. */
export interface SnapshotItem {
  readonly type: 'snapshot';
  /** `join`; `gap`: events were lost before it; `asked`. */
  readonly reason: string;
  /** Cursor that continues after it. */
  readonly cursor: string;
  readonly calls: readonly Call[];
}

export type StreamItem = EventItem | GapItem | SnapshotItem;

/** A control frame of the gateway. Unknown keys of a newer gateway are kept and ignored. */
export interface Frame {
  readonly type: string;
  readonly cursor?: string | null;
  readonly reason?: string;
  readonly requested?: string | null;
  readonly missed?: number | null;
  readonly expires_in_ms?: number;
  readonly retry_after_ms?: number;
  readonly code?: string;
  readonly detail?: string;
  readonly ref?: string | null;
  readonly call?: Call;
}

interface Meta {
  readonly id: string;
  readonly cursor: string;
  readonly account_id: string | null;
  readonly ingested_at: string | null;
  readonly attempt?: number;
}

export type Message =
  | { readonly kind: 'event'; readonly item: EventItem; readonly attempt: number }
  | { readonly kind: 'frame'; readonly frame: Frame }
  /** Not part of the control contract. */
  | { readonly kind: 'unknown' };

const UNKNOWN: Message = { kind: 'unknown' };

/** Reads one text message of the control contract (`v=1`). Never throws. */
export function readMessage(text: string): Message {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return UNKNOWN;
  }
  if (typeof value !== 'object' || value === null) return UNKNOWN;
  const event = value as CallEvent & { _firehose?: Meta | Frame };
  const meta = event._firehose;
  if (typeof meta !== 'object' || meta === null) return UNKNOWN;
  if ('type' in meta) return typeof meta.type === 'string' ? { kind: 'frame', frame: meta } : UNKNOWN;
  if (typeof meta.id !== 'string' || typeof meta.cursor !== 'string') return UNKNOWN;
  // The last key of the object: deleting it costs nothing, copying the others would.
  delete event._firehose;
  const item: EventItem = {
    type: 'event',
    event,
    id: meta.id,
    cursor: meta.cursor,
    account: meta.account_id,
    ingestedAt: meta.ingested_at,
  };
  return { kind: 'event', item, attempt: meta.attempt ?? 1 };
}
