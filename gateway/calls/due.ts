import { TOUCH_MS, type CallRecord } from '../../protocol/call.ts';
import type { LateEnd } from '../../event-log/late-end.ts';
import type { EndReason } from './end-event.ts';

/** When the gateway ends a leg whose switch no longer ends it. */
export interface EndRules {
  /** After this long without an event of the leg. */
  readonly silentMs: number;
  /** After this long in the state `uncertain`. */
  readonly graceMs: number;
  readonly lateEnd: LateEnd;
}

export interface Due {
  readonly reason: EndReason;
  /** Unix milliseconds, by the log's clock. */
  readonly at: number;
}

/** When and why a leg will be ended if no event of it arrives. Pure. */
export function dueOf(record: CallRecord, { silentMs, graceMs }: EndRules): Due {
  // Its last event may be newer than the record.
  const silent: Due = { reason: 'silent', at: record.last_ms + TOUCH_MS + silentMs };
  if (record.state !== 'uncertain') return silent;
  const lost: Due = { reason: 'switch_lost', at: Date.parse(record.state_since) + graceMs };
  return lost.at <= silent.at ? lost : silent;
}
