import type { Heartbeat } from '../../protocol/heartbeat.ts';
import { LEAVE_TOGETHER_S } from '../../protocol/leave-together.ts';
import type { LiveReplica } from './presence.ts';

/** The fields of a heartbeat that the departure uses. */
export type Companion = Pick<Heartbeat, 'revision' | 'leaving'>;

/**
 * Whether a replica that is to stop should wait for others. A roll-out ends replicas one by one, as fast as new ones
 * become available. Clients of the first one could reconnect to the next one to end, and would move twice (I7). So the
 * old replicas wait for each other. Without a newer replica, as with fewer replicas or a drained node, none waits.
 * Pure.
 */
export function waitsForOthers(revision: string, others: readonly Companion[]): boolean {
  const isReplaced = others.some((one) => one.revision !== '' && one.revision !== revision && !one.leaving);
  return isReplaced && others.some((one) => one.revision === revision && !one.leaving);
}

/** Lets this replica leave together with those that are replaced with it. */
export class Departure {
  readonly #revision: string | null;
  #others: readonly Companion[] = [];
  #isLeaving = false;
  #onHeartbeats: (() => void) | null = null;

  constructor(revision: string | null) {
    this.#revision = revision;
  }

  /** For this replica's heartbeat. */
  says(): Companion {
    return { revision: this.#revision ?? '', leaving: this.#isLeaving };
  }

  /** Call after each heartbeat; this replica is the first. */
  hear(replicas: readonly LiveReplica[]): void {
    this.#others = replicas.slice(1).map(({ heartbeat }) => heartbeat);
    this.#onHeartbeats?.();
  }

  /**
   * From now on this replica is leaving. Settles when it may drain: at the limit at the latest, at once when aborted.
   */
  async together(signal: AbortSignal, limitMs = LEAVE_TOGETHER_S * 1_000): Promise<void> {
    this.#isLeaving = true;
    const revision = this.#revision;
    if (revision === null || signal.aborted || !waitsForOthers(revision, this.#others)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, limitMs);
    signal.addEventListener('abort', () => resolve(), { once: true });
    this.#onHeartbeats = () => {
      if (!waitsForOthers(revision, this.#others)) resolve();
    };
    await promise;
    this.#onHeartbeats = null;
    clearTimeout(timer);
  }
}
