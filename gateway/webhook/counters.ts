import type { Verdict } from './judge-answer.ts';

/** Plain numbers of one webhook on this replica, read by the metrics. */
export interface WebhookCounters {
  /** Finished requests, by their verdict. */
  readonly requests: Record<Verdict['kind'], number>;
  /** Their total duration, milliseconds. */
  requestMs: number;
  /** Gaps of sources that the group passed over. */
  sourceGaps: number;
}

/** Adds what one webhook counted to a sum. */
export function addCounters(sum: WebhookCounters, of: Readonly<WebhookCounters>): void {
  for (const verdict of Object.keys(sum.requests) as Verdict['kind'][]) sum.requests[verdict] += of.requests[verdict];
  sum.requestMs += of.requestMs;
  sum.sourceGaps += of.sourceGaps;
}

export function createWebhookCounters(): WebhookCounters {
  return {
    requests: { acknowledged: 0, event: 0, endpoint: 0, dead_letter: 0, disable: 0 },
    requestMs: 0,
    sourceGaps: 0,
  };
}
