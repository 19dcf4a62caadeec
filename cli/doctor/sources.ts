import { readSource } from '../../gateway/administration/read-sources.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient } from '../../runtime/redis/client.ts';
import type { RedisConnection } from '../../runtime/redis/connection.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { outageCode } from '../../runtime/redis/outage.ts';
import { remedyFor } from '../../runtime/redis/remedy.ts';
import { about, type Finding } from '../../protocol/finding.ts';
import { judgeSource, judgeSourceMetrics } from './judge-source.ts';
import { PROBE_MS } from './limit.ts';
import { judgeFailure } from './listeners.ts';

export interface SourcesInput {
  readonly redis: RedisConnection;
  readonly keyPrefix: string;
  /** Each `<namespace>/<name>`. */
  readonly names: readonly string[];
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** The replicas' reports on these sources in Redis. Changes nothing. */
export async function lookAtSources({ redis, keyPrefix, names, now }: SourcesInput): Promise<readonly Finding[]> {
  const client = commandClient(redis, { logger: silentLogger, name: 'firehose:doctor' });
  try {
    // The finding of its servers says why it cannot be reached.
    if (!(await becomesReady(client, PROBE_MS))) return [];
    const looks = await Promise.all(names.map((name) => readSource(client, keyPrefix, name)));
    return looks.flatMap((look) => judgeSource(look, now()));
  } catch (error) {
    const code = redisErrorCode(error);
    if (code === 'UNKNOWN') throw error;
    const fix = remedyFor(outageCode(client) ?? code).remedy ?? 'fix what is reported of the servers above';
    return [about('source').fail(`cannot be read (${code})`, fix)];
  } finally {
    client.disconnect();
  }
}

const READ_ITS_LOG = 'start the source, and read its log';
/** From the answer of a process that is not ready. */
const MOST_WORDS = 200;

/** The inner listener of one replica of a source. `origin`: `http://host:port`. */
export async function lookAtSourceListener(origin: string): Promise<readonly Finding[]> {
  const say = about('source.inner', origin);
  const get = (path: string) => fetch(`${origin}${path}`, { signal: AbortSignal.timeout(PROBE_MS), redirect: 'error' });
  try {
    const ready = await get('/readyz');
    const words = (await ready.text()).trim().slice(0, MOST_WORDS);
    const metrics = await get('/metrics');
    const exposition = await metrics.text();
    if (!metrics.ok || !exposition.includes('firehose_')) {
      return [say.fail('something else than a source answers', 'is this the inner address and port of the source?')];
    }
    const judged = ready.ok
      ? say.ok('ready')
      : say.fail(`is not ready: ${words}`, 'fix what is reported of Redis and the switches here, and read its log');
    return [judged, ...judgeSourceMetrics(origin, exposition)];
  } catch (error) {
    return [judgeFailure(say, error, READ_ITS_LOG)];
  }
}
