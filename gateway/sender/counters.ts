import type { Verdict } from './verdict.ts';

/** Plain numbers of one sender on this replica, read by the metrics. */
export interface SenderCounters {
  /** Finished requests, by their verdict. */
  readonly requests: Record<Verdict['kind'], number>;
  /** Their total duration, milliseconds. */
  requestMs: number;
  /** Gaps of sources that the group passed over. */
  sourceGaps: number;
}

/** Adds what one sender counted to a sum. */
export function addCounters(sum: SenderCounters, of: Readonly<SenderCounters>): void {
  for (const verdict of Object.keys(sum.requests) as Verdict['kind'][]) sum.requests[verdict] += of.requests[verdict];
  sum.requestMs += of.requestMs;
  sum.sourceGaps += of.sourceGaps;
}

export function createSenderCounters(): SenderCounters {
  return {
    requests: { acknowledged: 0, event: 0, endpoint: 0, dead_letter: 0, disable: 0 },
    requestMs: 0,
    sourceGaps: 0,
  };
}
