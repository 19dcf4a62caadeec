import type { RedisClient } from '../../runtime/redis/client.ts';
import type { sourceKeys } from '../../protocol/keys.ts';
import { decodeSourceReport, parseReportField, reportField, type SourceReport } from '../../protocol/source-report.ts';

/** The report of a live replica is never this old. */
const FRESH_MS = 5_000;
/** A replica without a report for this long is gone. */
const GONE_MS = 600_000;

export interface SiblingReport {
  readonly replica: string;
  readonly report: SourceReport;
}

/** Reports of one endpoint. Each call rejects with the client's error. */
export interface Reports {
  /** Reports of the other replicas. */
  siblings(): Promise<readonly SiblingReport[]>;
  /** Removes reports of replicas that are gone. */
  prune(now: number): Promise<void>;
  /** Removes this replica's report when it leaves the endpoint. */
  remove(): Promise<void>;
}

export function reportStore(
  client: RedisClient,
  { reports }: ReturnType<typeof sourceKeys>,
  own: { readonly replica: string; readonly endpoint: string },
): Reports {
  const siblings = async () =>
    Object.entries(await client.hgetall(reports)).flatMap(([field, text]) => {
      const of = parseReportField(field);
      const report = decodeSourceReport(text);
      if (of === null || report === null || of.endpoint !== own.endpoint || of.replica === own.replica) return [];
      return [{ replica: of.replica, report }];
    });
  return {
    siblings,
    async prune(now) {
      const gone = (await siblings()).filter(({ report }) => now - report.at > GONE_MS);
      if (gone.length > 0) await client.hdel(reports, ...gone.map(({ replica }) => reportField(replica, own.endpoint)));
    },
    async remove() {
      await client.hdel(reports, reportField(own.replica, own.endpoint));
    },
  };
}

/** Whether another replica listens now and has listened since before `complete`: it missed nothing. Pure. */
export function hearsWithoutGap(siblings: readonly SiblingReport[], complete: number, now: number): boolean {
  return siblings.some(
    ({ report }) =>
      report.state === 'Live' && now - report.at < FRESH_MS && report.heard !== null && report.heard.from <= complete,
  );
}

/**
 * Whether another replica ran between `from` and the start of this one, even if it did not listen, or is gone with what
 * it received. True if it wrote a report after `from`, or if its last report, written each turn, is close to the start.
 * Pure.
 */
export function ranBetween(
  siblings: readonly SiblingReport[],
  { from, startedAt, turnMs }: { readonly from: number; readonly startedAt: number; readonly turnMs: number },
): boolean {
  return siblings.some(({ report }) => report.at > from + FRESH_MS || report.at + 2 * turnMs >= startedAt);
}
