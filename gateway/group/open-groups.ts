import { isOwnWebhook } from '../../protocol/own-webhook.ts';
import type { Position } from '../../protocol/position.ts';
import type { ConsumerGroup } from '../../protocol/subscription.ts';
import { Background } from '../../runtime/lifecycle/background.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import { becomesReady } from '../../runtime/redis/client.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import type { Cursors } from '../../event-log/cursor-seal.ts';
import type { LogPlace } from '../../event-log/partition-state.ts';
import type { Grant } from '../auth/grant.ts';
import type { Directory } from '../directory/directory.ts';
import type { SourceGapNotice } from '../fanout/source-gap-notice.ts';
import { RouteIndex, type Offer } from '../fanout/route-index.ts';
import type { LiveReplica, Presence } from '../replica/presence.ts';
import type { EventTraces } from '../trace/event-traces.ts';
import { createGroupCounters, type GroupCounters } from './counters.ts';
import { KnownGroups, namesFor, type DeclaredGroups } from './declared-groups.ts';
import { FormerGroups } from './former-groups.ts';
import { Grants, keyOf } from './grants.ts';
import { Group } from './group.ts';
import { groupFilter, keepsNothingOf } from './group-filter.ts';
import { limitsOf, TIMINGS, type MakeMember, type JoinedMember, type Timings } from './group-context.ts';
import {
  OWN_GROUPS,
  type Admission,
  type AdmitOptions,
  type Groups,
  type GroupStatus,
  type LostReason,
  type MemberOptions,
  type Membership,
} from './groups.ts';
import { Keeper } from './keeper.ts';
import { Member } from './member.ts';
import { migrating, nothingKept, refusalOf, refused, takenBySender, unavailable, unknownGroup } from './refusals.ts';
import type { GroupOf } from './registry.ts';
import { retireLoop } from './retire.ts';

const FIRST_CONNECT_MS = 1_000;

/** More than eight members: what the composition root has opened, and two that tests set. */
export interface GroupsOptions {
  /**
   * With a command client of its own: no other commands should wait behind pages of events. The caller still owns it.
   */
  readonly place: LogPlace;
  readonly declared: DeclaredGroups;
  readonly presence: Presence;
  readonly directory: Directory;
  readonly offers: Offer;
  /** Makes pseudonyms of sources. */
  readonly cursors: Pick<Cursors, 'pseudonym'>;
  readonly traces?: EventTraces | null;
  readonly logger: Logger;
  readonly timings?: Partial<Timings>;
}

/** Creates the groups that are declared for an account, waiting a moment for Redis, and keeps them. Never rejects. */
export async function openGroups(options: GroupsOptions): Promise<Groups> {
  const groups = new RedisGroups(options);
  if (await becomesReady(options.place.client, FIRST_CONNECT_MS)) await groups.ensure();
  groups.start();
  return groups;
}

class RedisGroups implements Groups {
  readonly counters: ReadonlyMap<string, GroupCounters>;
  readonly #options: GroupsOptions;
  readonly #known: KnownGroups;
  readonly #timings: Timings;
  readonly #index: RouteIndex;
  readonly #closing = new AbortController();
  /** By `<group>/<account>`, as everything below. */
  readonly #groups = new Map<string, Group>();
  readonly #grants: Grants;
  readonly #former: FormerGroups;
  readonly #keeper: Keeper;
  readonly #background = new Background();
  /** Losses of groups without a connection: the next connection is notified. */
  readonly #untold = new Map<string, LostReason | 'trimmed'>();
  /** Position and end of the grant's claim, for groups that were requested and are not open yet. */
  readonly #admitted = new Map<string, { position: Position | null; until: number }>();
  /** Groups that have connections on other replicas: those replicas notify them. */
  #elsewhere: ReadonlySet<string> = new Set();
  #isDraining = false;
  /** Whether a replica of the former version had connections of the group, by the last heartbeats. */
  #sawFormer = false;
  #lastMember = 0;
  readonly #unsubscribe: () => void;

  constructor(options: GroupsOptions) {
    const { place, declared, presence, logger } = options;
    this.#options = options;
    this.#timings = { ...TIMINGS, ...options.timings };
    this.#known = new KnownGroups(declared);
    const counted = [...declared.groups.map(({ name }) => name), ...(declared.hasOwn === true ? [OWN_GROUPS] : [])];
    this.counters = new Map(counted.map((name) => [name, createGroupCounters()]));
    this.#index = new RouteIndex(options.directory, options.offers);
    this.#grants = new Grants({
      ...this.#registry,
      logger,
      onRenewed: (of, until) => this.#grantedUntil(of, until),
      onReplaced: (of) => this.#groups.get(keyOf(of))?.lose('grant_differs'),
    });
    this.#former = new FormerGroups({ place, ...declared, presence, logger });
    this.#keeper = new Keeper({
      place,
      resource: declared.resource,
      groups: () => this.#known.all,
      everyMs: this.#timings.checkMs,
      logger,
      signal: this.#closing.signal,
      isMigrated: (of) => this.#former.isMigrated(of),
      onLost: (of, reason) => this.#lost(keyOf(of), reason),
    });
    this.#unsubscribe = presence.onReplicas((replicas) => this.#useReplicas(replicas));
  }

  get #registry() {
    const { place, declared, presence } = this.#options;
    return { client: place.client, keyPrefix: place.keyPrefix, resource: declared.resource, replica: presence.replica };
  }

  async ensure(): Promise<void> {
    await this.#former.migrate().catch((error: unknown) => this.#failed(error));
    await this.#keeper.ensure();
  }

  start(): void {
    const { place, declared, logger } = this.#options;
    this.#background.run(this.#keeper.keep());
    this.#background.run(
      retireLoop({
        place,
        registry: this.#registry,
        groups: declared.groups,
        idleMs: declared.retentionMs,
        everyMs: this.#timings.retireMs,
        signal: this.#closing.signal,
        onRetired: (of) => this.#keeper.forget(of),
        logger,
      }),
    );
  }

  async admit(name: string, grant: Grant, options: AdmitOptions = {}): Promise<Admission> {
    const declared = this.#known.for(name, grant.account);
    if (declared === null) return refused(unknownGroup(namesFor(this.#options.declared, grant.account)));
    const taken = options.isSender === true ? null : takenBySender(declared);
    if (taken !== null) return refused(taken);
    if (keepsNothingOf(grant, declared)) return refused(nothingKept(name));
    if (this.#isDraining) return refused(unavailable('DRAINING'));
    const of = { group: name, account: grant.account };
    try {
      await this.#former.migrate();
      if (!this.#former.isMigrated(of)) return refused(migrating(name));
      const maxAccounts = declared.account === undefined ? declared.maxAccounts : null;
      const registered = await this.#grants.admit(of, { grant, maxAccounts, regroup: options.regroup === true });
      const refusal = refusalOf(registered, declared, grant);
      if (refusal !== null) return refused(refusal);
      if (registered.kind === 'again') this.#lost(keyOf(of), 'trimmed');
      const position = await this.#keeper.make(of, registered.kind === 'again' ? 'oldest' : 'declared');
      const admitted = this.#admitted.get(keyOf(of));
      if (admitted !== undefined) admitted.position = position;
      this.#groups.get(keyOf(of))?.movedTo(position);
      return { ok: true };
    } catch (error) {
      return refused(unavailable(this.#failed(error)));
    }
  }

  join(name: string, options: MemberOptions): Membership {
    return this.attach(name, options.grant, (number, group) => new Member(number, group, options));
  }

  attach<R extends JoinedMember>(name: string, grant: Grant, make: MakeMember<R>): R {
    const of = { group: name, account: grant.account };
    const key = keyOf(of);
    const group = this.#groups.get(key) ?? this.#open(of);
    this.#grants.joined(of, grant);
    const isFirst = group.connections === 0;
    const member = group.join(grant, make);
    const untold = this.#untold.get(key);
    this.#untold.delete(key);
    // Not before the caller has the membership.
    if (untold === 'trimmed') queueMicrotask(() => member.tellGap('trimmed', { ids: [], missed: null }));
    else if (untold !== undefined) queueMicrotask(() => member.lose(untold));
    if (isFirst) this.#beat();
    return member;
  }

  wake(partition: number): void {
    for (const group of this.#groups.values()) group.wake(partition);
  }

  sourceGap(notice: SourceGapNotice): void {
    for (const group of this.#groups.values()) group.sourceGap(notice);
  }

  useDirectory(directory: Directory): void {
    this.#index.useDirectory(directory);
  }

  useOwn(groups: readonly ConsumerGroup[]): void {
    for (const { name: group, account = '' } of this.#known.useOwn(groups)) {
      const of = { group, account };
      this.#keeper.forget(of);
      this.#untold.delete(keyOf(of));
      this.#admitted.delete(keyOf(of));
    }
  }

  async createOwn({ name, account }: ConsumerGroup & { readonly account: string }): Promise<void> {
    await this.#keeper.makeDeclared({ group: name, account });
  }

  status(): readonly GroupStatus[] {
    return Array.from(this.#groups.values(), (group) => group.status);
  }

  hung(): Readonly<Record<string, number>> {
    const counts = this.status().map(({ hung, ...of }) => [keyOf(of), hung] as const);
    return Object.fromEntries(counts.filter(([, hung]) => hung > 0));
  }

  connections(): Readonly<Record<string, number>> {
    if (this.#isDraining) return {};
    const connections = Array.from(this.#groups, ([key, group]): [string, number] => [key, group.connections]);
    return Object.fromEntries(connections.filter(([, count]) => count > 0));
  }

  async drain(signal: AbortSignal): Promise<void> {
    this.#isDraining = true;
    const limit = performance.now() + this.#timings.drainMs;
    // Notifies the other replicas at once that this one serves no group; they wait for the leases.
    this.#beat();
    const hurry = () => {
      for (const group of this.#groups.values()) this.#background.run(group.stop(0));
    };
    signal.addEventListener('abort', hurry);
    if (signal.aborted) hurry();
    await Promise.all(Array.from(this.#groups.values(), (group) => group.stop(limit)));
    signal.removeEventListener('abort', hurry);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDraining = true;
    this.#closing.abort();
    this.#unsubscribe();
    await Promise.all(Array.from(this.#groups.values(), (group) => group.dispose()));
    await this.#grants.withdraw();
    await this.#background.settled();
  }

  #open(of: GroupOf): Group {
    const key = keyOf(of);
    const { place, declared: all, presence, logger } = this.#options;
    const declared = this.#known.for(of.group, of.account);
    const counters = this.counters.get(isOwnWebhook(of.group) ? OWN_GROUPS : of.group);
    if (declared === null || counters === undefined)
      throw new Error(`a connection joins a group that is not declared for its account: ${key}`);
    const group: Group = new Group({
      of,
      resource: all.resource,
      replica: presence.replica,
      place,
      limits: limitsOf(declared),
      timings: this.#timings,
      index: this.#index,
      filter: groupFilter(declared),
      counters,
      cursors: this.#options.cursors,
      traces: this.#options.traces ?? null,
      logger: logger.child({ ...of }),
      nextMember: () => (this.#lastMember = Math.max(this.#lastMember + 1, Date.now())),
      onGroupLost: () => this.#groupLost(group),
      onLeft: () => this.#left(group),
    });
    const admitted = this.#admitted.get(key);
    this.#admitted.delete(key);
    if (admitted !== undefined) group.grantedUntil = admitted.until;
    if (admitted !== undefined && admitted.position !== null) group.movedTo(admitted.position);
    this.#groups.set(key, group);
    return group;
  }

  #grantedUntil(of: GroupOf, until: number): void {
    const group = this.#groups.get(keyOf(of));
    if (group !== undefined) group.grantedUntil = until;
    else this.#admitted.set(keyOf(of), { position: null, until });
  }

  #groupLost(group: Group): void {
    const { of } = group;
    // A self-service webhook was deleted.
    if (this.#known.for(of.group, of.account) === null) return group.lose('group_lost');
    this.#options.logger.warn({ ...of }, 'a consumer group is no longer in Redis: its connections are notified');
    const make = this.#keeper.make(of).catch((error: unknown) => this.#failed(error));
    // Connections that were notified of the loss of the whole log are gone by then.
    this.#background.run(make.then(() => group.lose('group_lost')));
  }

  #lost(key: string, reason: LostReason | 'trimmed'): void {
    const group = this.#groups.get(key);
    if (group !== undefined && group.connections > 0) {
      if (reason !== 'trimmed') group.lose(reason);
    } else if (!this.#elsewhere.has(key)) this.#untold.set(key, reason);
  }

  /** A connection or a partition's loop of the group has ended. */
  #left(group: Group): void {
    if (group.connections > 0) return;
    this.#background.run(this.#grants.left(group.of));
    if (group.isIdle) this.#groups.delete(keyOf(group.of));
    // The other replicas take over as soon as they are notified.
    this.#beat();
  }

  #useReplicas(replicas: readonly LiveReplica[]): void {
    if (this.#isDraining) return;
    const { replica: own } = this.#options.presence;
    const others = replicas.filter(({ replica }) => replica !== own);
    const having = (key: string) => others.filter(({ heartbeat }) => (heartbeat.groups[key] ?? 0) > 0);
    this.#elsewhere = new Set(others.flatMap(({ heartbeat }) => Object.keys(heartbeat.groups)));
    for (const [key, group] of this.#groups) {
      const here = group.connections > 0 ? [own] : [];
      const there = having(key);
      const healthy = there.filter(({ heartbeat: { groups, hung } }) => (groups[key] ?? 0) > (hung?.[key] ?? 0));
      group.useReplicas(
        [...here, ...there.map(({ replica }) => replica)],
        healthy.map(({ replica }) => replica),
      );
    }
    this.#background.run(this.#grants.renew());
    this.#watchFormer(others);
  }

  /**
   * Replicas of the former version may create groups of the former form: these are moved once no such replica serves
   * one.
   */
  #watchFormer(others: readonly LiveReplica[]): void {
    if (others.some(({ heartbeat }) => Object.keys(heartbeat.groups).some((key) => !key.includes('/')))) {
      this.#former.reopen();
      this.#sawFormer = true;
    } else if (this.#sawFormer) {
      this.#sawFormer = false;
      this.#background.run(this.#former.migrate().catch((error: unknown) => this.#failed(error)));
    }
  }

  #beat(): void {
    this.#background.run(this.#options.presence.beat());
  }

  /** Logs the refusal of Redis, and returns its code. The client's watcher logs and counts outages. */
  #failed(error: unknown): string {
    const code = redisErrorCode(error);
    if (code === 'UNKNOWN') this.#options.logger.error({ err: error }, 'unexpected error of a consumer group');
    return code;
  }
}
