import { Redis } from 'ioredis';
import { becomesReady, sentinelClient, type RedisClient } from './client.ts';
import type { RedisConnection, RedisNode } from './connection.ts';
import { isMasterConfirmed, parseSentinels, parseSentinelView, type SentinelView } from './sentinel-verdict.ts';

/** Milliseconds between two searches for sentinels that REDIS_URL does not name. */
const LOOK_EVERY_MS = 5_000;
const CONNECT_MS = 500;

const keyOf = ({ host, port }: RedisNode) => `${host}:${port}`;

/**
 * Asks the sentinels whether all of them still consider the server that a client writes to the master. Replicas that
 * answer WAIT may follow a master that is being replaced: writes that only they have are lost with it.
 */
export class MasterWatch implements Disposable {
  readonly #connection: RedisConnection;
  readonly #masterName: string;
  readonly #client: RedisClient;
  readonly #sentinels = new Map<string, Redis>();
  #running: Promise<boolean> | null = null;
  #following: Promise<boolean> | null = null;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #isDisposed = false;

  private constructor(connection: RedisConnection, masterName: string, client: RedisClient) {
    this.#connection = connection;
    this.#masterName = masterName;
    this.#client = client;
    this.#know(connection.nodes);
  }

  /** Null where there are no sentinels. Starts to connect. */
  static of(connection: RedisConnection, client: RedisClient): MasterWatch | null {
    return connection.sentinel === null ? null : new MasterWatch(connection, connection.sentinel.masterName, client);
  }

  /** Uses only answers to queries from now on. Never rejects; takes at most the limits of a few commands. */
  confirm(): Promise<boolean> {
    if (this.#running === null) return (this.#running = this.#confirm().finally(() => (this.#running = null)));
    // That query may have been answered before the write that is to be confirmed.
    this.#following ??= this.#running.then(() => {
      this.#following = null;
      return this.confirm();
    });
    return this.#following;
  }

  async #confirm(): Promise<boolean> {
    const views = await this.#ask();
    const isEnough = views.length > 0 && views.every(({ sentinels }) => sentinels <= views.length);
    if (isEnough || performance.now() < this.#lookedAt + LOOK_EVERY_MS || !(await this.#look()))
      return this.#judge(views);
    return this.#judge(await this.#ask());
  }

  #judge(views: readonly SentinelView[]): boolean {
    if (!(this.#client instanceof Redis) || this.#client.status !== 'ready') return false;
    const { remoteAddress, remotePort } = this.#client.stream as { remoteAddress?: string; remotePort?: number };
    if (remoteAddress === undefined || remotePort === undefined) return false;
    return isMasterConfirmed(views, { address: remoteAddress, port: remotePort });
  }

  async #ask(): Promise<SentinelView[]> {
    const answers = await Promise.allSettled(
      Array.from(this.#sentinels.values(), (sentinel) =>
        Promise.all([sentinel.call('sentinel', 'myid'), sentinel.call('sentinel', 'master', this.#masterName)]),
      ),
    );
    return answers.flatMap((answer) => {
      const view = answer.status === 'fulfilled' ? parseSentinelView(...answer.value) : null;
      return view === null ? [] : [view];
    });
  }

  /**
   * Asks the known sentinels for the others, and removes those that none of them names. Returns whether there are new
   * ones.
   */
  async #look(): Promise<boolean> {
    this.#lookedAt = performance.now();
    const replies = await Promise.allSettled(
      Array.from(this.#sentinels.values(), (sentinel) => sentinel.call('sentinel', 'sentinels', this.#masterName)),
    );
    const named = replies.flatMap((reply) => (reply.status === 'fulfilled' ? parseSentinels(reply.value) : []));
    if (this.#isDisposed || named.length === 0) return false;
    const kept = new Set([...this.#connection.nodes, ...named].map(keyOf));
    for (const [key, sentinel] of this.#sentinels) {
      if (kept.has(key)) continue;
      sentinel.disconnect();
      this.#sentinels.delete(key);
    }
    const fresh = this.#know(named);
    await Promise.all(fresh.map((sentinel) => becomesReady(sentinel, CONNECT_MS)));
    return fresh.length > 0;
  }

  #know(nodes: readonly RedisNode[]): Redis[] {
    return nodes.flatMap((node) => {
      if (this.#sentinels.has(keyOf(node))) return [];
      const sentinel = sentinelClient(this.#connection, node);
      this.#sentinels.set(keyOf(node), sentinel);
      return [sentinel];
    });
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    for (const sentinel of this.#sentinels.values()) sentinel.disconnect();
    this.#sentinels.clear();
  }
}
