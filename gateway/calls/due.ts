import { TOUCH_MS, type CallRecord } from '../../protocol/call.ts';
import type { LateEnd } from '../../event-log/late-end.ts';
import type { EndReason } from './end-event.ts';

/** When a leg is ended that its switch ends no more. */
export interface EndRules {
  /** Without an event of the leg for this long. */
  readonly silentMs: number;
  /** `uncertain` for this long. */
  readonly graceMs: number;
  readonly lateEnd: LateEnd;
}

export interface Due {
  readonly reason: EndReason;
  /** Unix milliseconds, by the log's clock. */
  readonly at: number;
}

/** When a leg is to be ended if nothing of it comes, and why. Pure. */
export function dueOf(record: CallRecord, { silentMs, graceMs }: EndRules): Due {
  // Its last event may be younger than the record says.
  const silent: Due = { reason: 'silent', at: record.last_ms + TOUCH_MS + silentMs };
  if (record.state !== 'uncertain') return silent;
  const lost: Due = { reason: 'switch_lost', at: Date.parse(record.state_since) + graceMs };
  return lost.at <= silent.at ? lost : silent;
}
