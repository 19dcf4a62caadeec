import { sourceKeys, sourcesKey, streamKeys } from '../../protocol/keys.ts';
import { decodeSourceGap, type SourceGap } from '../../protocol/source-gap.ts';
import { decodeSourceReport, parseReportField, type SourceReport } from '../../protocol/source-report.ts';
import { endpointNames, type Source } from '../../protocol/source.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';

/** A report counts for this long: replicas write one every two seconds. */
const FRESH_MS = 15_000;

export interface EndpointReport extends SourceReport {
  readonly replica: string;
  readonly endpoint: string;
}

/** State of a source in Redis. */
export interface SourceFacts {
  /** Of running replicas. */
  readonly reports: readonly EndpointReport[];
  /** The last one of each endpoint. */
  readonly gaps: readonly SourceGap[];
  /** Number of partitions of the streams; null when there are none yet. */
  readonly partitions: number | null;
}

export const sourceName = ({ metadata }: Pick<Source, 'metadata'>) => `${metadata.namespace}/${metadata.name}`;

/** Null when Redis cannot be read. */
export async function readFacts(client: RedisClient, source: Source, now: number): Promise<SourceFacts | null> {
  const prefix = source.spec.redis.keyPrefix;
  const keys = sourceKeys(prefix, sourceName(source));
  try {
    const [reports, gaps, partitions] = await Promise.all([
      client.hgetall(keys.reports),
      client.hgetall(keys.gaps),
      client.hget(streamKeys(prefix, 0).meta, 'partitions'),
    ]);
    return {
      reports: Object.entries(reports).flatMap(([field, text]) => {
        const of = parseReportField(field);
        const report = decodeSourceReport(text);
        return of === null || report === null || now - report.at > FRESH_MS ? [] : [{ ...of, ...report }];
      }),
      gaps: endpointNames(source.spec).flatMap((endpoint) => decodeSourceGap(gaps[endpoint] ?? '') ?? []),
      partitions: partitions === null ? null : Number(partitions),
    };
  } catch (error) {
    if (redisErrorCode(error) === 'UNKNOWN') throw error;
    return null;
  }
}

/**
 * Deletes everything that only the source uses. `known` are endpoints that it had once. Rejects with the client's
 * error.
 */
export async function forgetSource(client: RedisClient, source: Source, known: readonly string[]): Promise<number> {
  const keys = sourceKeys(source.spec.redis.keyPrefix, sourceName(source));
  const [reports, positions] = await Promise.all([client.hkeys(keys.reports), client.hkeys(keys.positions)]);
  const endpoints = new Set([
    ...endpointNames(source.spec),
    ...known,
    ...positions,
    ...reports.map((field) => parseReportField(field)?.endpoint ?? ''),
  ]);
  const named = [...endpoints].flatMap((endpoint) => [keys.lead(endpoint), keys.legs(endpoint), keys.kept(endpoint)]);
  await client.hdel(sourcesKey(source.spec.redis.keyPrefix), sourceName(source));
  return client.del(keys.reports, keys.positions, keys.gaps, ...named);
}
