import { setTimeout as delay } from 'node:timers/promises';
import type { ConsumerGroup } from '../../protocol/subscription.ts';
import { streamKeys } from '../../protocol/keys.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import type { LogPlace } from '../../event-log/partition-state.ts';
import { groupField, startOf } from '../../event-log/provisioning/create-group.ts';
import { createGroup } from './create-groups.ts';
import { groupPlace } from './place.ts';

export interface KeeperOptions {
  readonly place: LogPlace;
  readonly resource: string;
  readonly groups: readonly ConsumerGroup[];
  readonly everyMs: number;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** The streams were lost and refilled: what the groups knew is of another life. */
  readonly onEpochLost: () => void;
  /** The group was deleted in some partition and made again, by whomever: what it had not settled is lost. */
  readonly onGroupLost: (group: string) => void;
}

export type Kept = { readonly ok: true } | { readonly ok: false; readonly code: string };

/** What is known of one partition: its stream's epoch, and the mark of each group that has one. */
interface Known {
  readonly epoch: string | null;
  readonly marks: ReadonlyMap<string, string | null>;
}

/**
 * Keeps every declared group in every partition. A stream that was lost and refilled is given its groups again from its
 * beginning: nobody has read anything of it. A group that was deleted is made again by whichever replica, or operator,
 * finds it missing first: all the others know it by its mark, also those whose own reading never failed (I4).
 */
export class Keeper {
  readonly #options: KeeperOptions;
  readonly #known: Known[];
  #isComplete = false;
  #running: Promise<Kept> | null = null;
  #lastCode = '';

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#known = Array.from({ length: options.place.partitions }, () => ({ epoch: null, marks: new Map() }));
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
      const { partitions, groups } = this.#differences(await this.#now());
      if (partitions.size === 0 && groups.size === 0) return;
      this.#isComplete = false;
      if (partitions.size === 0) return;
      this.#options.logger.warn(
        { partitions: [...partitions] },
        'streams of the log were lost and refilled: groups are told',
      );
      this.#options.onEpochLost();
    } catch (error) {
      this.#say(redisErrorCode(error));
    }
  }

  async #now(): Promise<Known[]> {
    const { groups } = this.#options;
    const { client, keyPrefix } = this.#options.place;
    return Promise.all(
      this.#known.map(async (_, partition) => {
        const { meta } = streamKeys(keyPrefix, partition);
        const fields = groups.map(({ name }) => groupField(this.#placeOf(partition, name).name));
        const [epoch = null, ...marks] = await client.hmget(meta, 'epoch', ...fields);
        return { epoch, marks: new Map(groups.map(({ name }, at) => [name, marks[at] ?? null])) };
      }),
    );
  }

  /** Partitions whose stream has another epoch than the one that is known, and groups with another mark elsewhere. */
  #differences(now: readonly Known[]): { partitions: Set<number>; groups: Set<string> } {
    const partitions = new Set<number>();
    const groups = new Set<string>();
    for (const [partition, { epoch, marks }] of now.entries()) {
      const known = this.#known[partition];
      if (known === undefined || known.epoch === null) continue;
      if (known.epoch !== epoch) partitions.add(partition);
      else for (const [name, mark] of marks) if (known.marks.get(name) !== mark) groups.add(name);
    }
    return { partitions, groups };
  }

  async #make(): Promise<Kept> {
    const { place, groups } = this.#options;
    try {
      const { partitions: changed } = this.#differences(await this.#now());
      if (changed.size > 0) this.#options.onEpochLost();
      const made = await Promise.all(
        this.#known.map(async (_, partition): Promise<Known> => {
          const marks = new Map<string, string | null>();
          let epoch: string | null = null;
          for (const group of groups) {
            const start = changed.has(partition) ? '0' : startOf(group);
            const at = this.#placeOf(partition, group.name);
            const created = await createGroup(at, { partitions: place.partitions, start });
            epoch = created.epoch;
            marks.set(group.name, created.mark);
          }
          return { epoch, marks };
        }),
      );
      const lost = this.#differences(made).groups;
      this.#known.splice(0, made.length, ...made);
      this.#isComplete = true;
      this.#lastCode = '';
      for (const name of lost) this.#options.onGroupLost(name);
      return { ok: true };
    } catch (error) {
      const code = redisErrorCode(error);
      this.#say(code);
      return { ok: false, code };
    }
  }

  #placeOf(partition: number, group: string) {
    return groupPlace(this.#options.place, partition, { resource: this.#options.resource, group });
  }

  /** One line a reason and outage. */
  #say(code: string): void {
    if (code === this.#lastCode) return;
    this.#lastCode = code;
    this.#options.logger.warn({ code }, 'consumer groups cannot be made or looked at now; trying again');
  }
}
