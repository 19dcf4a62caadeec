import { seedOf } from '../replica/rendezvous.ts';
import type { GroupMember, MemberGroup, JoinedMember } from '../group/group-context.ts';
import type { GroupGap, GroupGapReason, LostReason } from '../group/groups.ts';
import type { Held } from '../group/ledger.ts';
import { countedAttempts } from '../group/failure.ts';
import { Cut, type CutSignal } from './cut.ts';
import { Gathering } from './gathering.ts';
import type { Verdict } from './verdict.ts';

type Event = Held<GroupMember>;

/** What a member needs from its sender. */
export interface MemberSender {
  /** How many requests may begin now. */
  room(): number;
  /** Most events of one request, and how long the first of them waits for others. */
  readonly batch: { readonly most: number; readonly waitMs: number };
  /** Sends events once, in one request. Never rejects; null when the signal cut it off. */
  send(
    events: readonly Event[],
    signal: CutSignal,
  ): Promise<{ readonly verdict: Verdict; readonly error: string } | null>;
  readonly onGap: (reason: GroupGapReason, gap: GroupGap) => void;
  readonly onSourceGap: () => void;
  readonly onLost: (reason: LostReason) => void;
}

/**
 * The sender of a group as its member: each frame of a connection becomes a request here, for one event or for a
 * batch. The answer acknowledges, refuses or gives up the event in the ledger, which keeps the order of each call (W1).
 * A refused batch says nothing about its events: each is then sent alone.
 */
export class SenderMember implements JoinedMember {
  readonly number: number;
  readonly seed: number;
  /** A request ends before `ackWait`, by its own limit. */
  readonly isHung = false;
  readonly #group: MemberGroup;
  readonly #webhook: MemberSender;
  readonly #underWay = new Map<Event, Cut>();
  readonly #gathering: Gathering<Event>;
  /** Refused in a batch. */
  readonly #alone = new WeakSet<Event>();
  #isPlaced = false;
  /** An event waited for a request that could not begin. */
  #isStarved = false;
  load = 0;
  gone = false;

  constructor(number: number, group: MemberGroup, webhook: MemberSender) {
    this.number = number;
    this.#group = group;
    this.#webhook = webhook;
    this.#gathering = new Gathering(webhook.batch, (events) => this.#sendBatch(events));
    this.seed = seedOf(`member ${number}`);
  }

  get isPlaced(): boolean {
    return this.#isPlaced;
  }

  get hasRoom(): boolean {
    return this.load < this.#group.maxPending;
  }

  tell(): void {
    this.#isPlaced = true;
  }

  tellGap(reason: GroupGapReason, gap: GroupGap): void {
    if (!this.gone) this.#webhook.onGap(reason, gap);
  }

  tellSourceGap(): void {
    if (!this.gone) this.#webhook.onSourceGap();
  }

  lose(reason: LostReason): void {
    if (this.gone) return;
    this.leave();
    this.#webhook.onLost(reason);
  }

  leave(): void {
    if (this.gone) return;
    this.gone = true;
    this.#gathering[Symbol.dispose]();
    for (const cut of this.#underWay.values()) cut.abort();
    this.#underWay.clear();
    this.#group.left(this);
  }

  room(): { readonly events: number; readonly bytes: number } {
    const requests = this.gone || !this.#isPlaced ? 0 : this.#webhook.room();
    const events = Math.max(0, requests * this.#webhook.batch.most - this.#gathering.size);
    this.#isStarved ||= events === 0;
    return { events, bytes: Number.POSITIVE_INFINITY };
  }

  deliver(batch: readonly Event[]): void {
    for (const held of batch) {
      const isAlone = this.#webhook.batch.most === 1 || countedAttempts(held) > 1 || this.#alone.has(held);
      if (!isAlone) this.#gathering.add(held);
      else if (this.#webhook.room() > 0) void this.#send([held]);
      // Others of this turn have the last request.
      else this.#excuse(held);
    }
  }

  /** Another replica may have the event now, or it is overdue: its request is cut off. */
  forget(held: Event): void {
    this.#gathering.delete(held);
    const cut = this.#underWay.get(held);
    this.#underWay.delete(held);
    // The other events of its batch are still being sent.
    if (cut !== undefined && !Array.from(this.#underWay.values()).includes(cut)) cut.abort();
  }

  missed(): boolean {
    return false;
  }

  /** Requests may begin again. */
  flows(): void {
    if (!this.#isStarved || this.gone) return;
    this.#isStarved = false;
    this.#group.flows();
  }

  #sendBatch(events: readonly Event[]): void {
    if (this.#webhook.room() === 0) {
      for (const held of events) this.#excuse(held);
      return;
    }
    for (const held of events) this.#group.workOf(held.partition)?.extend(held);
    void this.#send(events);
  }

  async #send(events: readonly Event[]): Promise<void> {
    const cut = new Cut();
    for (const held of events) this.#underWay.set(held, cut);
    const ended = await this.#webhook.send(events, cut);
    for (const held of events) {
      if (this.#underWay.get(held) !== cut) continue;
      this.#underWay.delete(held);
      if (ended !== null) this.#settle(held, ended.verdict, { error: ended.error, isBatch: events.length > 1 });
    }
    this.flows();
  }

  #excuse(held: Event): void {
    const work = this.#group.workOf(held.partition);
    if (work?.holds(held) === true) work.excuse(held);
  }

  #settle(held: Event, verdict: Verdict, { error, isBatch }: { error: string; isBatch: boolean }): void {
    const work = this.#group.workOf(held.partition);
    if (work?.holds(held) !== true) return;
    const { kind } = verdict;
    if (kind === 'acknowledged' || (kind === 'disable' && verdict.isTaken)) work.acknowledge(held);
    else if (isBatch) {
      if (kind === 'event' || kind === 'dead_letter') this.#alone.add(held);
      work.excuse(held);
    } else if (kind === 'event') work.fail(held, error);
    else if (kind === 'dead_letter') void work.giveUp(held, 'terminated', error);
    else work.excuse(held);
  }
}
