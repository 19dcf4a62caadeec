import { groupName } from '../../protocol/keys.ts';
import type { LogPlace } from '../../event-log/partition-state.ts';
import type { Position } from '../../protocol/position.ts';
import type { SourceGapNotice } from '../fanout/source-gap-notice.ts';
import { wantedBy, type Wanted } from '../fanout/route-index.ts';
import { ownerOf } from '../replica/rendezvous.ts';
import { ExpectedGaps } from './expected-gaps.ts';
import type { Grant } from '../auth/grant.ts';
import type { OtherMember } from './failure.ts';
import type { GroupContext, GroupMember, MakeMember, MemberGroup, JoinedMember } from './group-context.ts';
import type { GroupStatus, LostReason } from './groups.ts';
import { PartitionLoop } from './partition-loop.ts';
import { groupPlace } from './place.ts';
import type { GroupOf } from './registry.ts';
import { Spread } from './spread.ts';

/** A connection learns whether it is on standby within this time, whatever Redis does. */
const PLACED_WITHIN_MS = 2_000;
/** How long the last acknowledgements may take when no member is left. */
const LAST_WORDS_MS = 1_000;

/** Shared by all groups of a replica, with the identity of this one. */
export type GroupParts = Pick<
  GroupContext,
  'of' | 'replica' | 'limits' | 'timings' | 'index' | 'filter' | 'counters' | 'traces' | 'logger' | 'cursors'
> & {
  /** `<namespace>/<name>`. */
  readonly resource: string;
  readonly place: LogPlace;
  readonly onGroupLost: () => void;
  /** A connection has left, or the reading of a partition has ended. */
  readonly onLeft: () => void;
  readonly nextMember: () => number;
};

interface Running {
  readonly loop: PartitionLoop;
  readonly ended: Promise<void>;
  wasTried: boolean;
}

/**
 * One account's group on this replica: its members, the partitions that it reads for them, and the member of each call.
 */
export class Group {
  readonly of: GroupOf;
  /** Until when the grant of the members is known to be in force (monotonic). */
  grantedUntil = Number.NEGATIVE_INFINITY;
  #position: Position | null = null;
  readonly #parts: GroupParts;
  readonly #context: GroupContext;
  readonly #members = new Map<number, JoinedMember>();
  readonly #loops = new Map<number, Running>();
  readonly #spreads = new Map<number, Spread>();
  /** Deadline at which a member learns whether it is on standby. */
  readonly #timers = new Map<number, NodeJS.Timeout>();
  #view: Wanted | null = null;
  #held = 0;
  #isStarved = false;
  readonly #owned = new Set<number>();
  readonly #gaps = new ExpectedGaps();
  /** Replicas with connections of this group, by their last heartbeats; null before the first ones. */
  #replicas: readonly string[] | null = null;
  /** Other replicas with a connection that does not hang. */
  #healthyElsewhere: readonly string[] = [];

  constructor(parts: GroupParts) {
    this.of = parts.of;
    this.#parts = parts;
    const view = () => this.#view;
    this.#context = {
      ...parts,
      get view() {
        return view();
      },
      isGranted: (now) => now < this.grantedUntil,
      choose: (call, partition) => this.#choose(call, partition),
      chooseOther: (member, call, partition) => this.#chooseOther(member, call, partition),
      otherThan: (member) => this.#otherThan(member),
      hangs: (member) => this.#hangs(member),
      free: () => this.#free(),
      hold: (entries) => this.#hold(entries),
      tell: (reason, gap) => {
        for (const member of this.#members.values()) member.tellGap(reason, gap);
      },
      tellSourceGap: (notice) => this.#tellSourceGap(notice),
      owns: (partition, isOwner) => this.#owns(partition, isOwner),
      groupLost: parts.onGroupLost,
    };
  }

  get connections(): number {
    return this.#members.size;
  }

  /** Nothing of the group remains on this replica. */
  get isIdle(): boolean {
    return this.#members.size === 0 && this.#loops.size === 0;
  }

  get status(): GroupStatus {
    return {
      ...this.of,
      connections: this.#members.size,
      hung: this.#hung().length,
      partitions: [...this.#owned].sort((a, b) => a - b),
      pending: [...this.#loops.values()].reduce((sum, { loop }) => sum + loop.work.ledger.size, 0),
    };
  }

  /**
   * Position of the group when a connection requested it: it gets the events after this position, and the unfinished
   * ones.
   */
  movedTo(position: Position): void {
    this.#position = position;
  }

  /** Adds a member with this grant, which equals that of all others. */
  join<R extends JoinedMember>(grant: Grant, make: MakeMember<R>): R {
    if (this.#members.size === 0) this.#view = wantedBy(grant);
    const group: MemberGroup = {
      maxPending: this.#parts.limits.maxPending,
      workOf: (partition) => this.#loops.get(partition)?.loop.work,
      flows: () => this.kick(),
      left: (member) => this.#left(member),
    };
    const number = this.#parts.nextMember();
    const member = make(number, group);
    this.#members.set(number, member);
    this.#timers.set(
      number,
      setTimeout(() => this.#tellStandby(member), PLACED_WITHIN_MS),
    );
    // Not before the caller has the membership.
    queueMicrotask(() => this.#placeWhenKnown());
    for (const hung of this.#hung()) this.#moveFrom(hung);
    this.kick();
    return member;
  }

  /** Takes the partitions that this replica owns among these replicas, and hands over the others. */
  useReplicas(replicas: readonly string[], healthyElsewhere: readonly string[]): void {
    this.#replicas = replicas;
    this.#healthyElsewhere = healthyElsewhere;
    this.#takeUp();
  }

  wake(partition: number): void {
    this.#loops.get(partition)?.loop.wake();
  }

  /** The log has a gap of a source. The owner of the partition notifies its members when the group reaches it. */
  sourceGap(notice: SourceGapNotice): void {
    const now = this.#owned.has(notice.partition) ? this.#gaps.add(notice) : notice;
    if (now !== null) this.#tellSourceGap(now);
  }

  #tellSourceGap(notice: SourceGapNotice): void {
    this.#gaps.passed(notice);
    for (const member of this.#members.values()) member.tellSourceGap(notice);
  }

  kick(): void {
    for (const { loop } of this.#loops.values()) loop.kick();
  }

  /** Ends every membership. */
  lose(reason: LostReason): void {
    for (const member of this.#members.values()) member.lose(reason);
  }

  /** Stops reading, and settles once all leases are released. `by` is monotonic. */
  async stop(by: number): Promise<void> {
    this.#replicas = null;
    for (const { loop } of this.#loops.values()) loop.stop(by);
    await Promise.all([...this.#loops.values()].map(({ ended }) => ended));
  }

  /** Ends every membership, and everything else within a second. */
  async dispose(): Promise<void> {
    for (const member of this.#members.values()) member.leave();
    await this.stop(performance.now() + LAST_WORDS_MS);
  }

  #takeUp(): void {
    const replicas = this.#candidates();
    if (replicas === null || this.#members.size === 0) return;
    const { of, place, resource, replica, timings } = this.#parts;
    for (let partition = 0; partition < place.partitions; partition += 1) {
      const isMine = ownerOf(`${groupName(resource, of.group, of.account)}/${partition}`, replicas) === replica;
      const running = this.#loops.get(partition);
      if (isMine && running === undefined) this.#start(partition);
      else if (!isMine) running?.loop.stop(performance.now() + timings.handOverMs);
    }
    this.#placeWhenKnown();
  }

  /** The replicas that may own a partition: those with a connection that does not hang, or all if all hang (I14). */
  #candidates(): readonly string[] | null {
    if (this.#replicas === null) return null;
    const isHealthy = this.#hung().length < this.#members.size;
    const healthy = [...(isHealthy ? [this.#parts.replica] : []), ...this.#healthyElsewhere];
    return healthy.length > 0 ? healthy : this.#replicas;
  }

  #start(partition: number): void {
    const { place, resource } = this.#parts;
    const loop = new PartitionLoop(this.#context, groupPlace(place, partition, { resource, ...this.of }));
    const running: Running = {
      loop,
      wasTried: false,
      ended: loop
        .run(() => {
          running.wasTried = true;
          this.#placeWhenKnown();
        })
        .finally(() => {
          this.#loops.delete(partition);
          this.#spreads.delete(partition);
          this.#takeUp();
          this.#parts.onLeft();
        }),
    };
    this.#loops.set(partition, running);
  }

  #left(member: JoinedMember): void {
    this.#members.delete(member.number);
    clearTimeout(this.#timers.get(member.number));
    this.#timers.delete(member.number);
    if (this.#members.size === 0) {
      this.#view = null;
      for (const { loop } of this.#loops.values()) loop.stop(performance.now() + LAST_WORDS_MS);
    } else {
      for (const [partition, { loop }] of this.#loops)
        loop.work.release(member, (call) => this.#choose(call, partition) ?? member);
    }
    this.#parts.onLeft();
  }

  #choose(call: string, partition: number): GroupMember | null {
    return this.#spreadOf(partition).choose(call, this.#members);
  }

  #spreadOf(partition: number): Spread {
    let spread = this.#spreads.get(partition);
    if (spread === undefined) this.#spreads.set(partition, (spread = new Spread()));
    return spread;
  }

  #chooseOther(member: GroupMember, call: string, partition: number): GroupMember | null {
    return this.#spreadOf(partition).moveFrom(member.number, call, this.#members);
  }

  #hasHealthyOther(member: GroupMember): boolean {
    return [...this.#members.values()].some((other) => other !== member && !other.isHung);
  }

  #otherThan(member: GroupMember): OtherMember {
    if (this.#hasHealthyOther(member)) return 'here';
    return this.#healthyElsewhere.length > 0 ? 'elsewhere' : 'nowhere';
  }

  #hung(): JoinedMember[] {
    return [...this.#members.values()].filter(({ isHung }) => isHung);
  }

  #hangs(member: GroupMember): void {
    this.#moveFrom(member);
    this.#takeUp();
    this.#parts.logger.warn(
      { member: member.number, connections: this.#members.size },
      'a connection of a consumer group acknowledges nothing: its calls go to others',
    );
  }

  #moveFrom(hung: GroupMember): void {
    if (!this.#hasHealthyOther(hung)) return;
    for (const [partition, { loop }] of this.#loops)
      loop.work.moveFrom(hung, (call) => this.#chooseOther(hung, call, partition));
  }

  /** The credit of the members that do not hang; of all if all hang. */
  #free(): number {
    const members = this.#members.size - this.#hung().length || this.#members.size;
    const free = members * this.#parts.limits.maxPending - this.#held;
    if (free <= 0) this.#isStarved = true;
    return free;
  }

  #hold(entries: number): void {
    this.#held += entries;
    if (entries >= 0 || !this.#isStarved) return;
    this.#isStarved = false;
    this.kick();
  }

  #owns(partition: number, isOwner: boolean): void {
    if (isOwner) this.#owned.add(partition);
    else this.#owned.delete(partition);
    if (!isOwner) for (const notice of this.#gaps.leave(partition)) this.#tellSourceGap(notice);
    this.#placeWhenKnown();
    for (const member of this.#members.values()) if (member.isPlaced) this.#tellStandby(member);
  }

  /** New members learn whether they are on standby once the owners are known and each lease was tried. */
  #placeWhenKnown(): void {
    const isKnown = this.#replicas !== null && [...this.#loops.values()].every(({ wasTried }) => wasTried);
    if (!isKnown && this.#owned.size === 0) return;
    for (const member of this.#members.values()) if (!member.isPlaced) this.#tellStandby(member);
    this.kick();
  }

  #tellStandby(member: JoinedMember): void {
    clearTimeout(this.#timers.get(member.number));
    this.#timers.delete(member.number);
    member.tell(this.#owned.size === 0, this.#position);
  }
}
