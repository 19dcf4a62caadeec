import type { RedisClient } from '../../runtime/redis/client.ts';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { replicaKeys } from '../../protocol/keys.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';

/** Seconds that a heartbeat is kept for others to read. */
const KEPT_S = 15;
const FORGOTTEN_MS = 60_000;

/**
 * Says that this replica is there, and replies who else is. KEYS: the sorted set. ARGV: replica, forgotten after so
 * many ms, alive within so many ms. The clock is Redis's, so that no two replicas need the same one.
 */
const BEAT = defineScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now - ARGV[2]))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZRANGEBYSCORE', KEYS[1], string.format('%.0f', now - ARGV[3]), '+inf')`);

/** What a replica says of itself. Others may say more. */
const recordSchema = z.looseObject({
  /** Connections of each consumer group that has any. */
  groups: z.record(z.string(), z.int().min(0)).default({}),
});
export type ReplicaRecord = z.output<typeof recordSchema>;

export interface LiveReplica {
  readonly replica: string;
  readonly record: ReplicaRecord;
}

export interface HeartbeatOptions {
  readonly client: RedisClient;
  readonly keyPrefix: string;
  /** `<namespace>/<name>`. */
  readonly resource: string;
  /** This replica's name, unlike any other's: a pod's. */
  readonly replica: string;
  readonly record: () => ReplicaRecord;
  readonly everyMs: number;
  /** A replica that was not seen for so long counts as gone. */
  readonly aliveMs: number;
  /** After each beat: the replicas that are there, this one first. */
  readonly onReplicas: (replicas: readonly LiveReplica[]) => void;
  /** After a beat that failed; the next one is tried nevertheless. */
  readonly onFailure?: (code: string) => void;
}

export interface Heartbeat extends AsyncDisposable {
  /** Beats now, because something changed, and settles when that beat is through. Never rejects. */
  beat(): Promise<void>;
}

/** Beats until disposed, and then takes this replica off the list. */
export function startHeartbeat(options: HeartbeatOptions): Heartbeat {
  const closing = new AbortController();
  let running: Promise<void> | null = null;
  let following: Promise<void> | null = null;

  const once = async () => {
    try {
      const replicas = await exchange(options);
      if (!closing.signal.aborted) options.onReplicas(replicas);
    } catch (error) {
      options.onFailure?.(redisErrorCode(error));
    }
  };
  /** One at a time; a wish that comes meanwhile is a beat after it, since this one may have said the old things. */
  const beat = (): Promise<void> => {
    if (closing.signal.aborted) return Promise.resolve();
    if (running === null) return (running = once().finally(() => (running = null)));
    following ??= running.then(() => {
      following = null;
      return beat();
    });
    return following;
  };
  const beating = (async () => {
    while (!closing.signal.aborted) {
      await beat();
      await delay(options.everyMs, undefined, { signal: closing.signal, ref: false }).catch((error: unknown) => {
        if (!closing.signal.aborted) throw error;
      });
    }
  })();
  return {
    beat,
    async [Symbol.asyncDispose]() {
      closing.abort();
      await beating;
      await running;
      const keys = replicaKeys(options.keyPrefix, options.resource);
      // What cannot be said now is found out by silence.
      await Promise.allSettled([
        options.client.zrem(keys.seen, options.replica),
        options.client.del(keys.heartbeat(options.replica)),
      ]);
    },
  };
}

/** Each key by itself: they lie on different shards of a cluster. */
async function exchange(options: HeartbeatOptions): Promise<LiveReplica[]> {
  const { client, replica, aliveMs } = options;
  const keys = replicaKeys(options.keyPrefix, options.resource);
  const record = options.record();
  await client.set(keys.heartbeat(replica), JSON.stringify(record), 'EX', KEPT_S);
  const names = (await runScript(client, BEAT, {
    keys: [keys.seen],
    args: [replica, String(FORGOTTEN_MS), String(aliveMs)],
  })) as readonly Buffer[];
  const others = names.map(String).filter((name) => name !== replica);
  const records = await Promise.all(others.map((name) => client.get(keys.heartbeat(name))));
  const live = others.flatMap((name, index) => {
    const parsed = parse(records[index] ?? null);
    return parsed === null ? [] : [{ replica: name, record: parsed }];
  });
  return [{ replica, record }, ...live];
}

/** Null when it is gone, or nothing that this version can read. */
function parse(text: string | null): ReplicaRecord | null {
  try {
    return recordSchema.parse(JSON.parse(text ?? ''));
  } catch {
    return null;
  }
}
