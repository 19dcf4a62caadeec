import type { DeadReason } from './dead-letters.ts';
import { countedAttempts, isExhausted, needsAnother } from './failure.ts';
import type { GroupContext, GroupMember } from './group-context.ts';
import { mayStill } from './intake.ts';
import { Ledger, type Held } from './ledger.ts';
import { Outbox } from './outbox.ts';
import { retryDelay } from './retry-delay.ts';
import { Waiting } from './waiting.ts';

type Event = Held<GroupMember>;

/**
 * The unfinished events of one partition of a group, and the actions of its members. The loop's next turn sends the
 * changes to Redis.
 */
export class PartitionWork {
  readonly context: GroupContext;
  /** The group's name in Redis. */
  readonly group: string;
  readonly ledger = new Ledger<GroupMember>();
  readonly outbox = new Outbox<GroupMember>();
  readonly waiting = new Waiting();

  constructor(context: GroupContext, group: string) {
    this.context = context;
    this.group = group;
  }

  holds(held: Event): boolean {
    return this.ledger.holds(held);
  }

  acknowledge(held: Event): void {
    this.#ends(held);
    this.ledger.finish(held);
    this.outbox.acknowledge(held);
    this.waiting.kick();
  }

  /** True once Redis has all acknowledgements so far, false when it cannot get them. */
  flushed(): Promise<boolean> {
    return this.outbox.flushed();
  }

  /**
   * The member refused the event: it is delivered again later, or becomes a dead letter. False when Redis could not
   * record that now.
   */
  refuse(held: Event, delayMs?: number): Promise<boolean> {
    const why = 'refused by the consumer';
    if (this.#isExhausted(held, held.call.member)) return this.giveUp(held, 'max_deliver', why);
    if (needsAnother(held, this.context.limits.maxDeliver)) this.#moveToHealthy(held);
    this.#delay(held, delayMs);
    return Promise.resolve(true);
  }

  /**
   * The only receiver does not accept the event: it is delivered again later, or becomes a dead letter with this error.
   */
  fail(held: Event, error: string): void {
    const attempts = countedAttempts(held);
    if (attempts >= this.context.limits.maxDeliver) return void this.giveUp(held, 'max_deliver', error);
    this.#delay(held, retryDelay(attempts));
  }

  /** The delivery failed for a reason that is not the event's: it does not count, and the event is ready at once. */
  excuse(held: Event): void {
    held.excused += 1;
    this.outbox.wrote(held);
    this.ledger.again(held);
    this.waiting.kick();
  }

  /** The wait starts again. False when the former wait had hardly begun. */
  extend(held: Event): boolean {
    const { ackWaitMs } = this.context.limits;
    const dueAt = performance.now() + ackWaitMs;
    const isDue = dueAt - held.dueAt >= ackWaitMs / 10;
    this.ledger.extend(held, dueAt);
    return isDue;
  }

  giveUp(held: Event, reason: DeadReason, error: string): Promise<boolean> {
    this.#ends(held);
    this.ledger.finish(held);
    const done = this.outbox.giveUp(held, reason, error);
    this.waiting.kick();
    return done;
  }

  /** A member is gone, and there are others: its events go to them at once, in order (I2). */
  release(gone: GroupMember, choose: (call: string) => GroupMember): void {
    for (const held of this.ledger.release(gone, choose)) {
      if (gone.isHung) held.excused += 1;
      if (gone.isHung || !this.#isExhausted(held, gone)) this.ledger.again(held);
      else void this.giveUp(held, 'max_deliver', 'the connection ended without an acknowledgement');
    }
    this.waiting.kick();
  }

  /** A member hangs: its calls go to others, and its written events follow as they become overdue (I14). */
  moveFrom(hung: GroupMember, chooseOther: (call: string) => GroupMember | null): void {
    this.ledger.moveIdleCalls(hung, chooseOther);
    this.waiting.kick();
  }

  /** An event that was not acknowledged in time goes to another member, is delivered again later, or is given up. */
  judgeOverdue(now: number): void {
    const hung = new Set<GroupMember>();
    for (const held of this.ledger.due(now)) {
      const { member } = held.call;
      const isHung = member.missed(held);
      member.forget(held);
      if (isHung && !hung.has(member)) this.context.hangs(member);
      if (isHung) hung.add(member);
      const other = isHung ? this.context.chooseOther(member, held.call.key, held.partition) : null;
      if (other !== null) this.#handBack(held, other);
      else if (isHung && this.context.otherThan(member) !== 'nowhere') this.#leave(held);
      else this.#timedOut(held, member);
    }
  }

  /**
   * An entry that an owner that is gone delivered as often as allowed: it is not delivered once more, because it is
   * unknown whether the last delivery failed.
   */
  giveUpExhausted(held: Event): void {
    if (countedAttempts(held) < this.context.limits.maxDeliver) return;
    void this.giveUp(held, 'max_deliver', 'not acknowledged before the replica that delivered it was gone');
  }

  /** Writes to each member what may be written to it, one write for each batch. */
  deliver(now: number): void {
    for (const member of Array.from(this.ledger.members())) {
      for (;;) {
        const batch = this.ledger.take(member, member.room());
        if (batch.length === 0) break;
        this.#write(member, batch, now);
      }
    }
  }

  /**
   * Another replica may read the partition now: drops everything, answers waiting callers, and returns the ids whose
   * acknowledgement was not sent.
   */
  letGo(): readonly string[] {
    this.context.hold(-this.ledger.size);
    for (const held of this.ledger.clear()) held.call.member.forget(held);
    return this.outbox.discard();
  }

  /** The member hangs: the event goes to another one, and the delivery does not count against the event (I14). */
  #handBack(held: Event, other: GroupMember): void {
    held.excused += 1;
    this.context.counters.handedBack += 1;
    this.ledger.moveCall(held, other);
    // If all members hang, an event goes from one to the next with a pause.
    if (other.isHung) this.#delay(held);
    else this.ledger.again(held);
  }

  /**
   * Another replica has a member that does not hang: it takes over the partition, and the delivery does not count
   * (I14).
   */
  #leave(held: Event): void {
    held.excused += 1;
    this.context.counters.handedBack += 1;
    this.outbox.wrote(held);
    this.#delay(held);
  }

  #timedOut(held: Event, member: GroupMember): void {
    const why = `not acknowledged within ${this.context.limits.ackWaitMs} ms`;
    if (this.#isExhausted(held, member)) return void this.giveUp(held, 'max_deliver', why);
    this.#moveToHealthy(held);
    this.#delay(held);
  }

  #isExhausted(held: Event, member: GroupMember): boolean {
    const { maxDeliver } = this.context.limits;
    return isExhausted(held, { member: member.number, maxDeliver, other: this.context.otherThan(member) });
  }

  #moveToHealthy(held: Event): void {
    const { member, key } = held.call;
    if (this.context.otherThan(member) !== 'here') return;
    const other = this.context.chooseOther(member, key, held.partition);
    if (other !== null) this.ledger.moveCall(held, other);
  }

  #delay(held: Event, delayMs = retryDelay(held.attempts)): void {
    this.ledger.delay(held, performance.now() + delayMs);
    this.waiting.kick();
  }

  #write(member: GroupMember, batch: readonly Event[], now: number): void {
    const { counters, limits, traces } = this.context;
    const allowed: Event[] = [];
    for (const held of batch) {
      if (held.state !== 'ready') continue;
      if (!mayStill(this.context, held)) {
        counters.filtered += 1;
        this.acknowledge(held);
        continue;
      }
      this.ledger.write(held, now, now + limits.ackWaitMs);
      this.outbox.wrote(held);
      if (held.attempts > 1) counters.redelivered += 1;
      allowed.push(held);
    }
    if (allowed.length === 0) return;
    counters.delivered += allowed.length;
    if (traces === null) return member.deliver(allowed);
    const writtenAt = traces.now();
    member.deliver(allowed);
    for (const held of allowed) traces.wrote(held, writtenAt, this.group);
  }

  #ends(held: Event): void {
    if (held.trace !== null) held.trace.endedAt = this.context.traces?.now() ?? 0;
  }
}
