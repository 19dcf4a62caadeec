import { registerAccount } from '../../event-log/provisioning/account-groups.ts';
import { migrateGroup } from '../../event-log/provisioning/migrate-group.ts';
import { reportStreams } from '../../event-log/provisioning/report.ts';
import type { LogPlace } from '../../event-log/partition-state.ts';
import { formerGroupName } from '../../protocol/keys.ts';
import type { ConsumerGroup } from '../../protocol/subscription.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { Presence } from '../replica/presence.ts';
import type { GroupOf } from './registry.ts';

export interface FormerGroupsOptions {
  readonly place: LogPlace;
  readonly resource: string;
  readonly groups: readonly ConsumerGroup[];
  /** The resource's account: it inherits groups that are not declared for another account. */
  readonly account: string;
  readonly presence: Pick<Presence, 'replica' | 'replicas' | 'beat'>;
  readonly logger: Logger;
}

/**
 * Groups of the former form, with one position for all accounts of the resource: their position, pending entries,
 * attempts and dead letters move to one account. Nothing is moved while replicas of the former version have connections
 * of the group, or read for it: they would acknowledge in a group that is gone.
 */
export class FormerGroups {
  readonly #options: FormerGroupsOptions;
  /** Declared groups that may exist in their former form. */
  #open: Set<string>;
  #moving: Promise<void> | null = null;

  constructor(options: FormerGroupsOptions) {
    this.#options = options;
    this.#open = new Set(options.groups.map(({ name }) => name));
  }

  /** Whether the group's position is its own: there is nothing (left) that it inherits. */
  isMigrated({ group, account }: GroupOf): boolean {
    return !this.#open.has(group) || this.#heirOf(group) !== account;
  }

  /** Checks again for former groups: a replica of the former version that starts late creates its own again. */
  reopen(): void {
    this.#open = new Set(this.#options.groups.map(({ name }) => name));
  }

  /** Moves what can be moved now; one run at a time. Rejects with the client's error. */
  migrate(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    this.#moving ??= this.#migrate().finally(() => (this.#moving = null));
    return this.#moving;
  }

  async #migrate(): Promise<void> {
    const { place, resource, presence } = this.#options;
    const reports = await reportStreams(place.client, place, []);
    const names = new Set(reports.flatMap((report) => report.names));
    for (const group of this.#open) if (!names.has(formerGroupName(resource, group))) this.#open.delete(group);
    if (this.#open.size === 0) return;
    if (presence.replicas === null) await presence.beat();
    for (const group of this.#open) if (!this.#isServedByOthers(group)) await this.#move(group);
  }

  /** Whether a replica of the former version has connections of the group: it names the group without an account. */
  #isServedByOthers(group: string): boolean {
    const { replicas } = this.#options.presence;
    return replicas === null || replicas.some(({ heartbeat }) => (heartbeat.groups[group] ?? 0) > 0);
  }

  async #move(group: string): Promise<void> {
    const { place, resource, logger } = this.#options;
    const account = this.#heirOf(group);
    const { state, trimmed, wasUsed } = await migrateGroup(place.client, place, { resource, group, heir: account });
    if (state === 'owned') return;
    if (state === 'moved') {
      await registerAccount(place.client, place.keyPrefix, { resource, group, account, wasUsed });
      logger.info({ group, account, trimmed }, 'a consumer group of the former form was migrated to its account');
    }
    this.#open.delete(group);
  }

  #heirOf(group: string): string {
    return this.#options.groups.find(({ name }) => name === group)?.account ?? this.#options.account;
  }
}
