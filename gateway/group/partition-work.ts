import type { DeadReason } from './dead-letters.ts';
import type { GroupContext, Recipient } from './group-context.ts';
import { mayStill } from './intake.ts';
import { Ledger, type Held } from './ledger.ts';
import { Outbox } from './outbox.ts';
import { retryDelay } from './retry-delay.ts';
import { Waiting } from './waiting.ts';

/**
 * What is under way in one partition of a group, and what its connections do to it. Whatever they do is said to Redis
 * with the loop's next turn.
 */
export class PartitionWork {
  readonly context: GroupContext;
  /** Its name in Redis. */
  readonly group: string;
  readonly ledger = new Ledger<Recipient>();
  readonly outbox = new Outbox<Recipient>();
  readonly waiting = new Waiting();

  constructor(context: GroupContext, group: string) {
    this.context = context;
    this.group = group;
  }

  holds(held: Held<Recipient>): boolean {
    return this.ledger.holds(held);
  }

  acknowledge(held: Held<Recipient>): void {
    this.#ends(held);
    this.ledger.settle(held);
    this.outbox.acknowledge(held);
    this.waiting.kick();
  }

  /** True once Redis has all that was acknowledged so far, false when it cannot have it. */
  flushed(): Promise<boolean> {
    return this.outbox.flushed();
  }

  /** Again later; a dead letter when it was delivered often enough. False when Redis could not have that now. */
  retry(held: Held<Recipient>, why: string, delayMs?: number): Promise<boolean> {
    if (held.attempts >= this.context.limits.maxDeliver) return this.bury(held, 'max_deliver', why);
    this.ledger.delay(held, performance.now() + (delayMs ?? retryDelay(held.attempts)));
    this.waiting.kick();
    return Promise.resolve(true);
  }

  /** The wait begins anew. False when hardly anything of the old one was over. */
  extend(held: Held<Recipient>): boolean {
    const { ackWaitMs } = this.context.limits;
    const dueAt = performance.now() + ackWaitMs;
    const isDue = dueAt - held.dueAt >= ackWaitMs / 10;
    this.ledger.extend(held, dueAt);
    return isDue;
  }

  bury(held: Held<Recipient>, reason: DeadReason, error: string): Promise<boolean> {
    this.#ends(held);
    this.ledger.settle(held);
    const done = this.outbox.bury(held, reason, error);
    this.waiting.kick();
    return done;
  }

  /** A connection is gone, and there are others: what it had goes to them at once, in order (I2). */
  release(gone: Recipient, choose: (call: string) => Recipient): void {
    for (const held of this.ledger.release(gone, choose)) {
      if (held.attempts < this.context.limits.maxDeliver) this.ledger.again(held);
      else void this.bury(held, 'max_deliver', 'the connection ended without an acknowledgement');
    }
    this.waiting.kick();
  }

  /** What was not acknowledged in time is delivered again later, or given up. */
  judgeOverdue(now: number): void {
    for (const held of this.ledger.due(now)) {
      held.call.consumer.forget(held);
      void this.retry(held, `not acknowledged within ${this.context.limits.ackWaitMs} ms`);
    }
  }

  /**
   * An entry whose last delivery came to nothing that anybody knows of, as its owner died: not delivered once more
   * than was promised.
   */
  buryExhausted(held: Held<Recipient>): void {
    if (held.attempts < this.context.limits.maxDeliver) return;
    void this.bury(held, 'max_deliver', 'not acknowledged before the replica that delivered it was gone');
  }

  /** Writes to each connection what may be written to it, one write a batch. */
  deliver(now: number): void {
    for (const consumer of Array.from(this.ledger.consumers())) {
      for (;;) {
        const batch = this.ledger.take(consumer, consumer.room());
        if (batch.length === 0) break;
        this.#write(consumer, batch, now);
      }
    }
  }

  #write(consumer: Recipient, batch: readonly Held<Recipient>[], now: number): void {
    const { counters, limits, traces } = this.context;
    const allowed: Held<Recipient>[] = [];
    for (const held of batch) {
      if (held.state !== 'ready') continue;
      if (!mayStill(this.context, held)) {
        counters.filtered += 1;
        this.acknowledge(held);
        continue;
      }
      this.ledger.write(held, now + limits.ackWaitMs);
      this.outbox.wrote(held);
      if (held.attempts > 1) counters.redelivered += 1;
      allowed.push(held);
    }
    if (allowed.length === 0) return;
    counters.delivered += allowed.length;
    if (traces === null) return consumer.deliver(allowed);
    const writtenAt = traces.now();
    consumer.deliver(allowed);
    for (const held of allowed) traces.wrote(held, writtenAt, this.group);
  }

  #ends(held: Held<Recipient>): void {
    if (held.trace !== null) held.trace.endedAt = this.context.traces?.now() ?? 0;
  }

  /**
   * Another one may read the partition now: forgets everything, tells whoever waits, and gives back the ids that were
   * acknowledged in vain.
   */
  letGo(): readonly string[] {
    this.context.hold(-this.ledger.size);
    for (const held of this.ledger.clear()) held.call.consumer.forget(held);
    return this.outbox.discard();
  }
}
