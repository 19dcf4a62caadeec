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

export function createWebhookCounters(): WebhookCounters {
  return {
    requests: { acknowledged: 0, event: 0, endpoint: 0, dead_letter: 0, disable: 0 },
    requestMs: 0,
    sourceGaps: 0,
  };
}
