import { setTimeout as delay } from 'node:timers/promises';
import { decodeHeartbeat, encodeHeartbeat, type Heartbeat } from '../../protocol/heartbeat.ts';
import { replicaKeys } from '../../protocol/keys.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';

/** Lifetime of a heartbeat in seconds. */
const KEPT_S = 15;
const FORGOTTEN_MS = 60_000;

/**
 * Enters this replica in the list and replies the replicas that are alive. KEYS: the sorted set. ARGV: replica, dropped
 * after this many ms, alive within this many ms. The clock is Redis's: replicas need not agree on theirs.
 */
const BEAT = defineScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now - ARGV[2]))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZRANGEBYSCORE', KEYS[1], string.format('%.0f', now - ARGV[3]), '+inf')`);

export interface LiveReplica {
  readonly replica: string;
  readonly heartbeat: Heartbeat;
}

export interface PresenceOptions {
  readonly client: RedisClient;
  readonly keyPrefix: string;
  /** `<namespace>/<name>`. */
  readonly resource: string;
  /** This replica's unique name: the pod's. */
  readonly replica: string;
  readonly logger: Logger;
  readonly everyMs?: number;
  /** A replica that was not seen for this long counts as gone. */
  readonly aliveMs?: number;
}

const BEAT_MS = 1_000;
const ALIVE_MS = 5_000;

/** Makes the replicas of one resource known to each other. Beats from `start` until it is disposed. */
export class Presence implements AsyncDisposable {
  readonly #options: PresenceOptions;
  readonly #listeners = new Set<(replicas: readonly LiveReplica[]) => void>();
  readonly #closing = new AbortController();
  #says: (() => Heartbeat) | null = null;
  #replicas: readonly LiveReplica[] | null = null;
  #beating: Promise<void> = Promise.resolve();
  #running: Promise<void> | null = null;
  #following: Promise<void> | null = null;
  #lastCode = '';

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  get replica(): string {
    return this.#options.replica;
  }

  /** The replicas that are alive, this one first; null before the first exchange. */
  get replicas(): readonly LiveReplica[] | null {
    return this.#replicas;
  }

  /** Calls back after each exchange, until the returned function is called. */
  onReplicas(listener: (replicas: readonly LiveReplica[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Starts to beat. `says` is called at each beat. */
  start(says: () => Heartbeat): void {
    this.#says = says;
    this.#beating = this.#beatOnAndOn();
  }

  /**
   * Beats now, because something changed, and settles when that beat has ended. Never rejects. A call during a beat
   * causes another beat, because the running one may have sent the former values.
   */
  beat(): Promise<void> {
    if (this.#says === null || this.#closing.signal.aborted) return Promise.resolve();
    if (this.#running === null) return (this.#running = this.#once(this.#says).finally(() => (this.#running = null)));
    this.#following ??= this.#running.then(() => {
      this.#following = null;
      return this.beat();
    });
    return this.#following;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#beating;
    await this.#running;
    const { client, keyPrefix, resource, replica } = this.#options;
    const keys = replicaKeys(keyPrefix, resource);
    // While Redis is away the other replicas notice the missing heartbeats.
    await Promise.allSettled([client.zrem(keys.seen, replica), client.del(keys.heartbeat(replica))]);
  }

  async #beatOnAndOn(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.beat();
      await delay(this.#options.everyMs ?? BEAT_MS, undefined, { signal, ref: false }).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  }

  async #once(says: () => Heartbeat): Promise<void> {
    try {
      const replicas = await exchange(this.#options, says());
      this.#lastCode = '';
      if (this.#closing.signal.aborted) return;
      this.#replicas = replicas;
      for (const listener of this.#listeners) listener(replicas);
    } catch (error) {
      this.#failed(redisErrorCode(error));
    }
  }

  /** One line for each reason and outage. */
  #failed(code: string): void {
    if (code === this.#lastCode || this.#closing.signal.aborted) return;
    this.#lastCode = code;
    this.#options.logger.warn({ code }, 'the heartbeat of this replica cannot be written; trying again');
  }
}

/** Each key is read separately: they are on different shards of a cluster. */
async function exchange(options: PresenceOptions, heartbeat: Heartbeat): Promise<LiveReplica[]> {
  const { client, replica, aliveMs = ALIVE_MS } = options;
  const keys = replicaKeys(options.keyPrefix, options.resource);
  await client.set(keys.heartbeat(replica), encodeHeartbeat(heartbeat), 'EX', KEPT_S);
  const names = (await runScript(client, BEAT, {
    keys: [keys.seen],
    args: [replica, String(FORGOTTEN_MS), String(aliveMs)],
  })) as readonly Buffer[];
  const others = names.map(String).filter((name) => name !== replica);
  const texts = await Promise.all(others.map((name) => client.get(keys.heartbeat(name))));
  const live = others.flatMap((name, index) => {
    const parsed = decodeHeartbeat(texts[index] ?? null);
    return parsed === null ? [] : [{ replica: name, heartbeat: parsed }];
  });
  return [{ replica, heartbeat }, ...live];
}
