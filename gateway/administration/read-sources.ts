import { sourceKeys, sourcesKey } from '../../protocol/keys.ts';
import { decodeSourceGap, type SourceGap } from '../../protocol/source-gap.ts';
import {
  decodeSourceEntry,
  decodeSourceReport,
  parseReportField,
  type SourceEntry,
  type SourceReport,
} from '../../protocol/source-report.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';

/** Data of a source's replicas in Redis. */
export interface SourceLook {
  /** `<namespace>/<name>`. */
  readonly name: string;
  readonly reports: readonly ReplicaReport[];
  /** The last gap of each endpoint that is in the log, and those that are not yet. */
  readonly told: readonly SourceGap[];
  readonly untold: readonly SourceGap[];
}

export interface ReplicaReport {
  readonly replica: string;
  readonly endpoint: string;
  readonly report: SourceReport;
}

/** Rejects with the client's error. */
export async function readSource(client: RedisClient, keyPrefix: string, name: string): Promise<SourceLook> {
  const keys = sourceKeys(keyPrefix, name);
  const [reports, gaps] = await Promise.all([client.hgetall(keys.reports), client.hgetall(keys.gaps)]);
  const found = Object.entries(gaps).flatMap(([field, text]) => {
    const gap = decodeSourceGap(text);
    return gap === null ? [] : [{ gap, isTold: field === gap.endpoint }];
  });
  return {
    name,
    reports: Object.entries(reports).flatMap(([field, text]) => {
      const [of, report] = [parseReportField(field), decodeSourceReport(text)];
      return of === null || report === null ? [] : [{ ...of, report }];
    }),
    told: found.filter(({ isTold }) => isTold).map(({ gap }) => gap),
    untold: found.filter(({ isTold }) => !isTold).map(({ gap }) => gap),
  };
}

/** The sources that have written into this Redis within the last week, by name. Rejects with the client's error. */
export async function readSourceEntries(
  client: RedisClient,
  keyPrefix: string,
): Promise<readonly (SourceEntry & { readonly name: string })[]> {
  return Object.entries(await client.hgetall(sourcesKey(keyPrefix)))
    .flatMap(([name, text]) => {
      const entry = decodeSourceEntry(text);
      return entry === null ? [] : [{ name, ...entry }];
    })
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
}
