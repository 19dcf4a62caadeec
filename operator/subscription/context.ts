import type { Logger } from '../../runtime/logging/logger.ts';
import type { RedisConnection } from '../../runtime/redis/connection.ts';
import type { KubernetesApi } from '../kubernetes/api.ts';
import type { RecordEvent } from '../kubernetes/event-recorder.ts';
import type { ObjectCache } from '../kubernetes/object-cache.ts';
import type { SecretReader } from '../kubernetes/secret-reader.ts';
import type { RedisPool } from '../redis/redis-pool.ts';
import type { Policy } from '../policy/policy.ts';
import type { RenderSettings } from '../resources/rendering.ts';

/** The inputs of every pass. More than eight members: every step gets it and uses the few that it needs. */
export interface Context {
  readonly api: KubernetesApi;
  readonly cache: Pick<ObjectCache, 'get' | 'has'>;
  readonly secrets: SecretReader;
  readonly redis: RedisPool;
  readonly recordEvent: RecordEvent;
  readonly settings: RenderSettings;
  readonly policy: Policy;
  readonly timings: ReconcileTimings;
  readonly logger: Logger;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Called before anything is written to Redis; the API client checks by itself. */
  readonly assertMayWrite: () => void;
  /** State of each resource between two passes. */
  readonly memories: Memories;
}

export interface ReconcileTimings {
  /** An unchanged resource is reconciled again after this time, to update its numbers. */
  readonly refreshMs: number;
  /** Delay when something is missing that may appear: a Secret, Redis. */
  readonly retryMs: number;
  /** Delay when something is being deleted: an object of a former resource. */
  readonly leftoverMs: number;
  /** Deletion waits for Redis at most this long. */
  readonly deletionLimitMs: number;
}

/** With a spread of a tenth, a pass comes within 30 s: it reverts a manual change of the operator's own Secrets. */
export const TIMINGS: ReconcileTimings = {
  refreshMs: 27_000,
  retryMs: 10_000,
  leftoverMs: 1_000,
  deletionLimitMs: 600_000,
};

/** A cache between passes. Correctness does not need it: a new process begins with an empty one. */
export interface Memory {
  /** Objects as they were last applied, by path. */
  readonly applied: Map<string, Applied>;
  statusWrittenAt: number;
  generation: number;
  /** The last connection that worked: clean-up uses it when the Secret was deleted first. */
  redis: RedisConnection | null;
  /**
   * Uid of the resource whose finalizer was removed: the cache may still contain it, and it must not be cleaned up
   * twice.
   */
  released: string | null;
  /** Uid of the resource for which the Event DeletionPaused was recorded. */
  pausedDeletion: string | null;
}

interface Applied {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly hash: string;
}

export class Memories {
  readonly #memories = new Map<string, Memory>();

  of(key: string): Memory {
    let memory = this.#memories.get(key);
    if (memory === undefined) {
      memory = {
        applied: new Map(),
        statusWrittenAt: 0,
        generation: 0,
        redis: null,
        released: null,
        pausedDeletion: null,
      };
      this.#memories.set(key, memory);
    }
    return memory;
  }

  /** The object at this path is gone. */
  forgetObject(key: string, path: string): void {
    this.#memories.get(key)?.applied.delete(path);
  }

  forget(key: string): void {
    this.#memories.delete(key);
  }

  get size(): number {
    return this.#memories.size;
  }
}
