import { seedOf } from '../replica/rendezvous.ts';
import type { GroupMember, MemberGroup, JoinedMember } from '../group/group-context.ts';
import type { GroupGap, GroupGapReason, LostReason } from '../group/groups.ts';
import type { Held } from '../group/ledger.ts';
import type { Verdict } from './judge-answer.ts';

type Event = Held<GroupMember>;

/** What a member asks of its webhook. */
export interface MemberWebhook {
  /** How many requests may begin now. */
  room(): number;
  /** Sends an event once. Never rejects; null when it was cut off by the signal. */
  send(event: Event, signal: AbortSignal): Promise<{ readonly verdict: Verdict; readonly error: string } | null>;
  readonly onGap: (reason: GroupGapReason, gap: GroupGap) => void;
  readonly onSourceGap: () => void;
  readonly onLost: (reason: LostReason) => void;
}

/**
 * The webhook of a group as its member: what a connection gets as frames becomes a request for each event. Its answer
 * acknowledges, refuses or gives up the event in the ledger, which keeps the order of each call (W1).
 */
export class WebhookMember implements JoinedMember {
  readonly number: number;
  readonly seed: number;
  /** A request ends before `ackWait`, by its own limit. */
  readonly isHung = false;
  readonly #group: MemberGroup;
  readonly #webhook: MemberWebhook;
  readonly #underWay = new Map<Event, AbortController>();
  #isPlaced = false;
  /** An event waited for a request that could not begin. */
  #isStarved = false;
  load = 0;
  gone = false;

  constructor(number: number, group: MemberGroup, webhook: MemberWebhook) {
    this.number = number;
    this.#group = group;
    this.#webhook = webhook;
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
    for (const controller of this.#underWay.values()) controller.abort();
    this.#underWay.clear();
    this.#group.left(this);
  }

  room(): { readonly events: number; readonly bytes: number } {
    const events = this.gone || !this.#isPlaced ? 0 : this.#webhook.room();
    this.#isStarved ||= events === 0;
    return { events, bytes: Number.POSITIVE_INFINITY };
  }

  deliver(batch: readonly Event[]): void {
    for (const held of batch) void this.#send(held);
  }

  /** Another replica may have the event now, or it is overdue: its request is cut off. */
  forget(held: Event): void {
    this.#underWay.get(held)?.abort();
    this.#underWay.delete(held);
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

  async #send(held: Event): Promise<void> {
    const controller = new AbortController();
    this.#underWay.set(held, controller);
    const ended = await this.#webhook.send(held, controller.signal);
    if (this.#underWay.get(held) === controller) {
      this.#underWay.delete(held);
      if (ended !== null) this.#settle(held, ended.verdict, ended.error);
    }
    this.flows();
  }

  #settle(held: Event, verdict: Verdict, error: string): void {
    const work = this.#group.workOf(held.partition);
    if (work?.holds(held) !== true) return;
    const { kind } = verdict;
    if (kind === 'acknowledged' || (kind === 'disable' && verdict.isTaken)) work.acknowledge(held);
    else if (kind === 'event') work.fail(held, error);
    else if (kind === 'dead_letter') void work.giveUp(held, 'terminated', error);
    else work.excuse(held);
  }
}
