import { setTimeout as delay } from 'node:timers/promises';
import type { LogPlace } from '../../event-log/partition-state.ts';
import { logEpoch } from '../../event-log/partition-state.ts';
import { accountRows, registerAccount } from '../../event-log/provisioning/account-groups.ts';
import { groupField, startOf } from '../../event-log/provisioning/create-group.ts';
import { accountsThatExist } from '../../event-log/provisioning/report-groups.ts';
import { streamKeys } from '../../protocol/keys.ts';
import type { Position } from '../../protocol/position.ts';
import type { ConsumerGroup } from '../../protocol/subscription.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { createGroup, type CreatedGroup } from './create-groups.ts';
import { keyOf } from './grants.ts';
import { groupPlace } from './place.ts';
import type { GroupOf } from './registry.ts';

export interface KeeperOptions {
  readonly place: LogPlace;
  readonly resource: string;
  /** As they are now. */
  readonly groups: () => readonly ConsumerGroup[];
  readonly everyMs: number;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /**
   * False while the former group, whose position this one inherits, is not migrated: this one must not be created yet.
   */
  readonly isMigrated: (of: GroupOf) => boolean;
  /**
   * epoch_lost: the streams were lost and refilled. group_lost: the group was deleted in some partition and created
   * again, by any process; its unfinished events are lost.
   */
  readonly onLost: (of: GroupOf, reason: 'epoch_lost' | 'group_lost') => void;
}

/** Last seen state of a group in one partition: the stream's epoch, and the group's mark. */
type Seen = Pick<CreatedGroup, 'epoch' | 'mark'>;

interface Followed {
  readonly of: GroupOf;
  /** By partition; null: not seen yet. */
  readonly seen: (Seen | null)[];
}

/**
 * Keeps the groups of all accounts in every partition: groups that are declared for an account from the start, the
 * others from their first connection on. In a stream that was lost and refilled, the groups are created at its start,
 * because they have read nothing of it. A deleted group is created again by the first replica, or operator, that finds
 * it missing. The others notice by its mark, even if their own reading never failed (I4).
 */
export class Keeper {
  readonly #options: KeeperOptions;
  readonly #followed = new Map<string, Followed>();
  #isComplete = false;
  #lastCode = '';

  constructor(options: KeeperOptions) {
    this.#options = options;
    for (const { name, account } of options.groups()) if (account !== undefined) this.#follow({ group: name, account });
  }

  /** Creates the group where it is missing, and returns its position. Rejects with the client's error. */
  async make(of: GroupOf, from: 'declared' | 'oldest' = 'declared'): Promise<Position> {
    const { place, resource, groups } = this.#options;
    const declared = groups().find(({ name }) => name === of.group);
    const start = from === 'oldest' || declared === undefined ? '0' : startOf(declared);
    const followed = this.#follow(of);
    const made = await Promise.all(
      followed.seen.map((seen, partition) =>
        createGroup(groupPlace(place, partition, { resource, ...of }), {
          partitions: place.partitions,
          start,
          knownEpoch: seen?.epoch ?? null,
        }),
      ),
    );
    this.#compare(followed, made);
    return { epoch: logEpoch(made.map(({ epoch }) => epoch)), ids: made.map(({ delivered }) => delivered) };
  }

  /** A group that belongs to one account from the start. Rejects with the client's error. */
  async makeDeclared(of: GroupOf): Promise<void> {
    const { place, resource } = this.#options;
    await registerAccount(place.client, place.keyPrefix, { resource, ...of, wasUsed: false });
    await this.make(of);
  }

  /** The group is not needed any more. */
  forget(of: GroupOf): void {
    this.#followed.delete(keyOf(of));
  }

  /** Creates what is missing; false, with a line in the log, when Redis refuses. Never rejects. */
  async ensure(): Promise<boolean> {
    if (this.#isComplete) return true;
    return this.#trying(async () => {
      const declared = [...this.#followed.values()].filter(({ of }) => isDeclaredFor(this.#options.groups(), of));
      const ready = declared.filter(({ of }) => this.#options.isMigrated(of));
      for (const { of } of ready) await this.makeDeclared(of);
      this.#isComplete = ready.length === declared.length;
    });
  }

  /** Checks all groups periodically, until aborted. */
  async keep(): Promise<void> {
    const { signal, everyMs } = this.#options;
    while (!signal.aborted) {
      await delay(everyMs, undefined, { signal, ref: false }).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
      if (signal.aborted) return;
      await this.ensure();
      await this.#trying(() => this.#look());
    }
  }

  async #trying(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      this.#lastCode = '';
      return true;
    } catch (error) {
      this.#failed(redisErrorCode(error));
      return false;
    }
  }

  async #look(): Promise<void> {
    await this.#adopt();
    const { place } = this.#options;
    const all = [...this.#followed.values()].filter(({ of }) => this.#options.isMigrated(of));
    if (all.length === 0) return;
    const found = await Promise.all(
      Array.from({ length: place.partitions }, async (_, partition) => {
        const fields = all.map(({ of }) => groupField(this.#placeOf(of, partition).name));
        const meta = await place.client.hmget(streamKeys(place.keyPrefix, partition).meta, 'epoch', ...fields);
        const [epoch = null, ...marks] = meta;
        return { epoch, marks };
      }),
    );
    for (const [at, followed] of all.entries()) {
      const now = found.map(({ epoch, marks }) => (epoch === null ? null : { epoch, mark: marks[at] ?? null }));
      if (now.every((one, partition) => one !== null && isSame(followed.seen[partition] ?? null, one)))
        followed.seen.splice(0, now.length, ...now);
      else if (this.#isKnown(followed.of)) await this.#remake(followed.of);
      // A self-service webhook was deleted while its group was made.
      else this.forget(followed.of);
    }
  }

  /** Adds the groups that other replicas created, and drops those that were removed. */
  async #adopt(): Promise<void> {
    const { place, resource, groups } = this.#options;
    for (const { name, account: declaredFor } of groups()) {
      const rows = await accountRows(place.client, place.keyPrefix, { resource, group: name });
      for (const { account } of accountsThatExist(rows, declaredFor)) this.#follow({ group: name, account });
      for (const { account, row } of rows)
        if (row.gone !== undefined && account !== declaredFor) this.forget({ group: name, account });
    }
  }

  async #remake(of: GroupOf): Promise<void> {
    const { place, resource, groups } = this.#options;
    await this.make(of);
    // FLUSHALL empties the registry, too.
    await registerAccount(place.client, place.keyPrefix, { resource, ...of, wasUsed: !isDeclaredFor(groups(), of) });
  }

  #isKnown({ group }: GroupOf): boolean {
    return this.#options.groups().some(({ name }) => name === group);
  }

  #follow(of: GroupOf): Followed {
    const key = keyOf(of);
    let followed = this.#followed.get(key);
    if (followed === undefined) {
      followed = { of, seen: Array.from({ length: this.#options.place.partitions }, () => null) };
      this.#followed.set(key, followed);
    }
    return followed;
  }

  #compare(followed: Followed, made: readonly Seen[]): void {
    const before = [...followed.seen];
    followed.seen.splice(0, made.length, ...made);
    const changed = made.flatMap(({ epoch }, at) => (epoch === (before[at]?.epoch ?? epoch) ? [] : [at]));
    if (changed.length > 0) {
      this.#options.logger.warn(
        { ...followed.of, partitions: changed },
        'streams of the log were lost and refilled: the connections of a consumer group are notified',
      );
      this.#options.onLost(followed.of, 'epoch_lost');
    } else if (made.some((one, at) => !isSame(before[at] ?? null, one)))
      this.#options.onLost(followed.of, 'group_lost');
  }

  #placeOf(of: GroupOf, partition: number) {
    return groupPlace(this.#options.place, partition, { resource: this.#options.resource, ...of });
  }

  /** One line for each reason and outage. */
  #failed(code: string): void {
    if (code === this.#lastCode) return;
    this.#lastCode = code;
    this.#options.logger.warn({ code }, 'consumer groups cannot be created or checked now; trying again');
  }
}

function isDeclaredFor(groups: readonly ConsumerGroup[], of: GroupOf): boolean {
  return groups.some(({ name, account }) => name === of.group && account === of.account);
}

/** An unseen state does not count as a difference. */
function isSame(before: Seen | null, now: Seen): boolean {
  return before === null || (before.epoch === now.epoch && before.mark === now.mark);
}
