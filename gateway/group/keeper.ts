import { setTimeout as delay } from 'node:timers/promises';
import type { ConsumerGroup } from '../../protocol/subscription.ts';
import { streamKeys } from '../../protocol/keys.ts';
import type { Log } from '../../runtime/log/log.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import type { LogPlace } from '../stream/partition-state.ts';
import { startOf } from '../../runtime/streams/create-group.ts';
import { createGroup } from './create-groups.ts';
import { groupPlace } from './place.ts';

export interface KeeperOptions {
  readonly place: LogPlace;
  readonly resource: string;
  readonly groups: readonly ConsumerGroup[];
  readonly everyMs: number;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** The streams were lost and refilled: what the groups knew is of another life. */
  readonly onEpochLost: () => void;
}

export type Kept = { readonly ok: true } | { readonly ok: false; readonly code: string };

/**
 * Keeps every declared group in every partition. A stream that was lost and refilled is given its groups again from its
 * beginning: nobody has read anything of it.
 */
export class Keeper {
  readonly #options: KeeperOptions;
  readonly #epochs: (string | null)[];
  #isComplete = false;
  #running: Promise<Kept> | null = null;
  #lastCode = '';

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#epochs = Array.from({ length: options.place.partitions }, () => null);
  }

  /** A group that was there is not there any more. */
  missing(): void {
    this.#isComplete = false;
  }

  /** Makes what is missing, when anything may be; one at a time. Never rejects. */
  ensure(): Promise<Kept> {
    if (this.#isComplete) return Promise.resolve({ ok: true });
    this.#running ??= this.#make().finally(() => (this.#running = null));
    return this.#running;
  }

  /** Looks again and again, until aborted. */
  async keep(): Promise<void> {
    const { signal, everyMs } = this.#options;
    while (!signal.aborted) {
      await delay(everyMs, undefined, { signal, ref: false }).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
      if (signal.aborted) return;
      await this.#look();
      await this.ensure();
    }
  }

  async #look(): Promise<void> {
    try {
      const changed = await this.#changed();
      if (changed.size === 0) return;
      this.#isComplete = false;
      this.#options.log.warn(
        { partitions: [...changed] },
        'streams of the log were lost and refilled: groups are told',
      );
      this.#options.onEpochLost();
    } catch (error) {
      this.#say(redisErrorCode(error));
    }
  }

  /** Partitions whose stream has another epoch than the one that is known. */
  async #changed(): Promise<Set<number>> {
    const { client, keyPrefix } = this.#options.place;
    const epochs = await Promise.all(
      this.#epochs.map((_, partition) => client.hget(streamKeys(keyPrefix, partition).meta, 'epoch')),
    );
    return new Set(
      epochs.flatMap((epoch, partition) => {
        const known = this.#epochs[partition] ?? null;
        return known !== null && known !== epoch ? [partition] : [];
      }),
    );
  }

  async #make(): Promise<Kept> {
    const { place, resource, groups } = this.#options;
    try {
      const changed = await this.#changed();
      if (changed.size > 0) this.#options.onEpochLost();
      await Promise.all(
        this.#epochs.map(async (_, partition) => {
          for (const group of groups) {
            const start = changed.has(partition) ? '0' : startOf(group);
            const at = groupPlace(place, partition, { resource, group: group.name });
            this.#epochs[partition] = await createGroup(at, { partitions: place.partitions, start });
          }
        }),
      );
      this.#isComplete = true;
      this.#lastCode = '';
      return { ok: true };
    } catch (error) {
      const code = redisErrorCode(error);
      this.#say(code);
      return { ok: false, code };
    }
  }

  /** One line a reason and outage. */
  #say(code: string): void {
    if (code === this.#lastCode) return;
    this.#lastCode = code;
    this.#options.log.warn({ code }, 'consumer groups cannot be made or looked at now; trying again');
  }
}
