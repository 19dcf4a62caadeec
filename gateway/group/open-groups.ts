import type { ConsumerGroup } from '../../protocol/subscription.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import { becomesReady, type RedisClient } from '../../runtime/redis/client.ts';
import type { Grant } from '../auth/grant.ts';
import type { Directory } from '../directory/directory.ts';
import { RouteIndex, type Offer } from '../fanout/route-index.ts';
import { startHeartbeat, type Heartbeat, type LiveReplica } from '../replica/heartbeat.ts';
import type { EventTraces } from '../trace/event-traces.ts';
import { Grants, nothingKept, refused, unavailable, unknownGroup } from './admission.ts';
import { createGroupCounters, type GroupCounters } from './counters.ts';
import { Group } from './group.ts';
import { groupFilter, keepsNothingOf } from './group-filter.ts';
import { limitsOf, TIMINGS, type Timings } from './group-context.ts';
import type { Admission, Groups, GroupStatus, LostReason, MemberOptions, Membership } from './groups.ts';
import { Keeper } from './keeper.ts';

const FIRST_CONNECT_MS = 1_000;

export interface GroupsOptions {
  /** A command client of its own: nobody else's commands should wait behind pages of events. It stays the caller's. */
  readonly client: RedisClient;
  readonly keyPrefix: string;
  readonly partitions: number;
  /** `<namespace>/<name>`. */
  readonly resource: string;
  /** This replica's name, unlike any other's: a pod's. */
  readonly replica: string;
  readonly groups: readonly ConsumerGroup[];
  readonly directory: Directory;
  readonly offers: Offer;
  /** What the heartbeat says beside the groups. */
  readonly says?: () => Readonly<Record<string, unknown>>;
  /** After each heartbeat: the replicas that are there, this one first. */
  readonly onReplicas?: (replicas: readonly LiveReplica[]) => void;
  readonly traces?: EventTraces | null;
  readonly logger: Logger;
  readonly timings?: Partial<Timings>;
}

/** Makes the declared groups, waiting a moment for Redis, and keeps them. Never rejects. */
export async function openGroups(options: GroupsOptions): Promise<Groups> {
  const groups = new RedisGroups(options);
  if (await becomesReady(options.client, FIRST_CONNECT_MS)) await groups.ensure();
  groups.start();
  return groups;
}

class RedisGroups implements Groups {
  readonly counters: ReadonlyMap<string, GroupCounters>;
  readonly #options: GroupsOptions;
  readonly #timings: Timings;
  readonly #index: RouteIndex;
  readonly #closing = new AbortController();
  readonly #groups = new Map<string, Group>();
  readonly #grants: Grants;
  readonly #keeper: Keeper;
  /** What was begun and nobody waits for: it never rejects, and is waited for at the end. */
  readonly #background = new Set<Promise<unknown>>();
  /** What was lost of groups that nobody was connected to: their next connection is told. */
  readonly #untold = new Map<string, LostReason>();
  /** Groups that have connections on other replicas, as last heard: those are told there. */
  #elsewhere: ReadonlySet<string> = new Set();
  #heartbeat: Heartbeat | null = null;
  #isDraining = false;
  #lastMember = 0;

  constructor(options: GroupsOptions) {
    const { client, keyPrefix, partitions, resource, replica, groups, logger } = options;
    this.#options = options;
    this.counters = new Map(groups.map((group) => [group.name, createGroupCounters()]));
    this.#timings = { ...TIMINGS, ...options.timings };
    this.#index = new RouteIndex(options.directory, options.offers);
    this.#grants = new Grants({ client, keyPrefix, resource, replica });
    this.#keeper = new Keeper({
      place: { client, keyPrefix, partitions },
      resource,
      groups,
      everyMs: this.#timings.checkMs,
      logger,
      signal: this.#closing.signal,
      onEpochLost: () => {
        for (const { name } of groups) this.#lost(name, 'epoch_lost');
      },
      onGroupLost: (name) => this.#lost(name, 'group_lost'),
    });
  }

  ensure() {
    return this.#keeper.ensure();
  }

  start(): void {
    const { client, keyPrefix, resource, replica } = this.#options;
    this.#heartbeat = startHeartbeat({
      client,
      keyPrefix,
      resource,
      replica,
      record: () => ({ ...this.#options.says?.(), groups: this.#connections() }),
      everyMs: this.#timings.beatMs,
      aliveMs: this.#timings.aliveMs,
      onReplicas: (replicas) => this.#useReplicas(replicas),
    });
    this.#inBackground(this.#keeper.keep());
  }

  async admit(name: string, grant: Grant): Promise<Admission> {
    const declared = this.#options.groups.find((group) => group.name === name);
    if (declared === undefined) return refused(unknownGroup(this.#options.groups.map((group) => group.name)));
    if (keepsNothingOf(grant, declared)) return refused(nothingKept(name));
    if (this.#isDraining) return refused(unavailable('DRAINING'));
    const kept = await this.#keeper.ensure();
    return kept.ok ? this.#grants.admit(name, grant) : refused(unavailable(kept.code));
  }

  join(name: string, options: MemberOptions): Membership {
    const group = this.#groups.get(name) ?? this.#open(name);
    this.#grants.joined(name, options.grant);
    const isFirst = group.connections === 0;
    const member = group.join(options);
    const untold = this.#untold.get(name);
    this.#untold.delete(name);
    // Not before the caller has the membership in hand.
    if (untold !== undefined) queueMicrotask(() => member.lose(untold));
    if (isFirst) this.#beat();
    return member;
  }

  wake(partition: number): void {
    for (const group of this.#groups.values()) group.wake(partition);
  }

  useDirectory(directory: Directory): void {
    this.#index.useDirectory(directory);
  }

  status(): readonly GroupStatus[] {
    return Array.from(this.#groups.values(), (group) => group.status);
  }

  async drain(signal: AbortSignal): Promise<void> {
    this.#isDraining = true;
    const limit = performance.now() + this.#timings.drainMs;
    // Others learn at once that this replica wants nothing any more, and wait for the leases.
    this.#beat();
    const hurry = () => {
      for (const group of this.#groups.values()) this.#inBackground(group.stop(0));
    };
    signal.addEventListener('abort', hurry);
    if (signal.aborted) hurry();
    await Promise.all(Array.from(this.#groups.values(), (group) => group.stop(limit)));
    signal.removeEventListener('abort', hurry);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDraining = true;
    this.#closing.abort();
    await Promise.all(Array.from(this.#groups.values(), (group) => group.dispose()));
    await this.#heartbeat?.[Symbol.asyncDispose]();
    await this.#grants.withdraw();
    while (this.#background.size > 0) await Promise.all(this.#background);
  }

  #open(name: string): Group {
    const { client, keyPrefix, partitions, resource, replica, logger } = this.#options;
    const declared = this.#options.groups.find((group) => group.name === name);
    const counters = this.counters.get(name);
    if (declared === undefined || counters === undefined)
      throw new Error(`nobody is admitted to a group that is not declared: ${name}`);
    const group: Group = new Group({
      name,
      resource,
      replica,
      place: { client, keyPrefix, partitions },
      limits: limitsOf(declared),
      timings: this.#timings,
      index: this.#index,
      filter: groupFilter(declared),
      counters,
      traces: this.#options.traces ?? null,
      logger: logger.child({ group: name }),
      nextMember: () => (this.#lastMember = Math.max(this.#lastMember + 1, Date.now())),
      onGroupLost: () => this.#groupLost(group),
      onLeft: () => this.#left(group),
    });
    this.#groups.set(name, group);
    return group;
  }

  #groupLost(group: Group): void {
    this.#options.logger.warn(
      { group: group.name },
      'a consumer group is not in Redis any more: its connections are told',
    );
    this.#keeper.missing();
    // Whoever is told by then that the whole log was lost need not hear of the group too.
    this.#inBackground(this.#keeper.ensure().then(() => group.lose('group_lost')));
  }

  #lost(name: string, reason: LostReason): void {
    const group = this.#groups.get(name);
    if (group !== undefined && group.connections > 0) group.lose(reason);
    else if (!this.#elsewhere.has(name)) this.#untold.set(name, reason);
  }

  /** A connection or a partition's loop of the group has ended. */
  #left(group: Group): void {
    if (group.connections > 0) return;
    this.#inBackground(this.#grants.left(group.name));
    if (group.isIdle) this.#groups.delete(group.name);
    // Others take over as soon as they know.
    this.#beat();
  }

  #connections(): Record<string, number> {
    if (this.#isDraining) return {};
    const connections = Array.from(this.#groups.values(), (group): [string, number] => [group.name, group.connections]);
    return Object.fromEntries(connections.filter(([, count]) => count > 0));
  }

  #useReplicas(replicas: readonly LiveReplica[]): void {
    this.#options.onReplicas?.(replicas);
    if (this.#isDraining) return;
    const others = replicas.filter(({ replica }) => replica !== this.#options.replica);
    const having = (name: string) => others.filter(({ record }) => (record.groups[name] ?? 0) > 0);
    this.#elsewhere = new Set(this.#options.groups.flatMap(({ name }) => (having(name).length > 0 ? [name] : [])));
    for (const group of this.#groups.values()) {
      const here = group.connections > 0 ? [this.#options.replica] : [];
      group.useReplicas([...here, ...having(group.name).map(({ replica }) => replica)]);
    }
    this.#inBackground(this.#renewGrants());
  }

  async #renewGrants(): Promise<void> {
    for (const name of await this.#grants.renew()) this.#groups.get(name)?.lose('grant_differs');
  }

  #beat(): void {
    if (this.#heartbeat !== null) this.#inBackground(this.#heartbeat.beat());
  }

  #inBackground(work: Promise<unknown>): void {
    const owned = work.finally(() => this.#background.delete(owned));
    this.#background.add(owned);
  }
}
