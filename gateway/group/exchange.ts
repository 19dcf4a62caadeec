import { isSourceGap } from '../../protocol/source-gap.ts';
import { keepDeadLetter } from './dead-letters.ts';
import { passSourceGap, takeIn } from './intake.ts';
import type { Lease } from './lease.ts';
import type { GroupMember } from './group-context.ts';
import type { Held as HeldEvent } from './ledger.ts';
import type { PartitionWork } from './partition-work.ts';
import { encodeAttempts, readPending, type PendingEntry } from './pending.ts';
import type { GroupPlace } from './place.ts';
import { takeTurn } from './turn.ts';

/** Most entries of one read. */
const COUNT = 500;
/** Milliseconds between two attempts to store a dead letter that Redis refuses. */
const DEAD_LETTER_RETRY_MS = 1_000;

interface Read {
  readonly entries: readonly PendingEntry[];
  /** Whether the group had read them before. */
  readonly isRecovery: boolean;
}

/** False: another replica has the lease. */
type Held = boolean;

/**
 * The commands of an owner to Redis during one lease, one script at a time. First come the entries that the group read
 * before and never acknowledged, in order; then new ones (I2). Each step rejects with the client's error. Redis may
 * have executed it: every step can be repeated.
 */
export class Exchange {
  readonly #work: PartitionWork;
  readonly #place: GroupPlace;
  readonly #lease: Lease;
  /** The page of pending entries to read next; null when all are known. */
  #recovery: { readonly after: string | null } | null = { after: null };
  #lastRead = '';
  #mayHaveMore = true;
  #readAt = 0;
  #turnAt = performance.now();
  /** Nothing is read before the first turn: after it Redis has the script, and the read follows it. */
  #isFirst = true;
  #deadLettersAt = 0;
  /**
   * Entries that were read and not yet taken in: a gap of a source and those after it. Earlier entries are written
   * first.
   */
  #later: Read | null = null;

  constructor(work: PartitionWork, place: GroupPlace, lease: Lease) {
    this.#work = work;
    this.#place = place;
    this.#lease = lease;
  }

  /** An entry has arrived. */
  wake(): void {
    this.#mayHaveMore = true;
  }

  /** Does the most urgent work; null when there is nothing to do. Without `reads`, nothing more is read. */
  step(now: number, reads: boolean): Promise<Held> | null {
    const { outbox } = this.#work;
    if (this.#later !== null && reads) return this.#passGap(this.#later);
    if (outbox.givenUp.length > 0 && now >= this.#deadLettersAt) return this.#keepOne();
    const count = reads ? this.#wanted(now) : 0;
    if (this.#recovery !== null && count > 0 && outbox.isEmpty) return this.#recover(count);
    const toRead = this.#recovery === null && !this.#isFirst ? count : 0;
    return toRead > 0 || this.#isFirst || !outbox.isEmpty || now >= this.#renewal ? this.#turn(toRead) : null;
  }

  /** The next time at which `step` may have something to do, unless it is kicked earlier. */
  nextTime(now: number, reads: boolean): number {
    const poll = this.#readAt + this.#work.context.timings.pollMs;
    const deadLetters = this.#work.outbox.givenUp.length > 0 ? this.#deadLettersAt : this.#renewal;
    // A read that is due but has no credit waits for credit, which kicks.
    return Math.min(this.#renewal, deadLetters, reads && poll > now ? poll : this.#renewal);
  }

  get #renewal(): number {
    return this.#turnAt + this.#lease.ttlMs / 3;
  }

  /** How many entries to read: none without credit, or before there is a reason to. */
  #wanted(now: number): number {
    const { context } = this.#work;
    if (now >= this.#readAt + context.timings.pollMs) this.#mayHaveMore = true;
    return this.#mayHaveMore || this.#recovery !== null ? Math.max(0, Math.min(COUNT, context.free())) : 0;
  }

  async #turn(count: number): Promise<Held> {
    const { outbox, context } = this.#work;
    const parcel = outbox.take();
    if (count > 0) this.#beginRead();
    context.hold(count);
    try {
      const outcome = await takeTurn(this.#place, this.#lease, {
        acknowledge: [...parcel.acks.map((held) => held.id), ...parcel.dropped],
        attempts: parcel.written.flatMap((held) => [held.id, encodeAttempts(held)]),
        count,
        lastRead: this.#lastRead,
      });
      if (!outcome.held) {
        outbox.putBack(parcel);
        return false;
      }
      this.#turnAt = performance.now();
      this.#isFirst = false;
      for (const held of parcel.acks) this.#finished(held, 'acknowledged');
      context.counters.acknowledged += parcel.acks.length;
      context.hold(-parcel.acks.length);
      parcel.flushed?.resolve(true);
      if (outcome.missed !== 0) this.#trimmed([], outcome.missed);
      context.traces?.received(outcome.entries, context.traces.now(), this.#work.group);
      this.#takeIn({
        entries: outcome.entries.map((entry) => ({ entry, attempts: 0, excused: 0 })),
        isRecovery: false,
      });
      this.#lastRead = outcome.entries.at(-1)?.id ?? this.#lastRead;
      if (count > 0 && outcome.entries.length === count) this.#mayHaveMore = true;
      return true;
    } catch (error) {
      outbox.putBack(parcel);
      // Redis may have assigned these entries although the reply was lost: pending entries are read before new ones.
      if (count > 0) this.#recovery = { after: null };
      throw error;
    } finally {
      context.hold(-count);
    }
  }

  #beginRead(): void {
    this.#mayHaveMore = false;
    this.#readAt = performance.now();
  }

  async #recover(count: number): Promise<Held> {
    const { ledger, outbox, context } = this.#work;
    context.hold(count);
    try {
      const after = this.#recovery?.after ?? null;
      const page = await readPending(this.#place, this.#lease, { after, count });
      if (page === null) return false;
      this.#turnAt = performance.now();
      const trimmed = page.trimmed.filter((id) => !ledger.has(id));
      for (const id of trimmed) outbox.drop(id);
      if (trimmed.length > 0) this.#trimmed(trimmed, trimmed.length);
      this.#takeIn({ entries: page.entries, isRecovery: true });
      this.#recovery = page.last === null ? null : { after: page.last };
      return true;
    } finally {
      context.hold(-count);
    }
  }

  /** Up to the first gap of a source; `step` continues with the rest once these are written. */
  #takeIn({ entries, isRecovery }: Read): void {
    const gap = entries.findIndex(({ entry }) => isSourceGap(entry.meta));
    const taken = takeIn(this.#work, gap < 0 ? entries : entries.slice(0, gap));
    if (isRecovery) for (const held of taken) this.#work.giveUpExhausted(held);
    this.#later = gap < 0 ? null : { entries: entries.slice(gap), isRecovery };
  }

  #passGap({ entries: [gap, ...entries], isRecovery }: Read): Promise<Held> {
    if (gap !== undefined) passSourceGap(this.#work, gap.entry);
    this.#takeIn({ entries, isRecovery });
    return Promise.resolve(true);
  }

  #trimmed(entries: readonly string[], missed: number | null): void {
    const { context } = this.#work;
    context.counters.trimmed += missed ?? 0;
    context.tell('trimmed', { ids: entries.map((id) => `${this.#place.partition}:${id}`), missed });
  }

  #finished(held: HeldEvent<GroupMember>, outcome: 'acknowledged' | 'dead_lettered'): void {
    this.#work.ledger.remove(held);
    this.#work.context.traces?.settled(held, outcome, this.#work.group);
  }

  /** One at a time: they are few, and each contains its event. */
  async #keepOne(): Promise<Held> {
    const { outbox, context } = this.#work;
    const [first] = outbox.givenUp;
    if (first === undefined) return true;
    const { held, reason, error, done } = first;
    const { id, attempts, metaLine, data } = held;
    const maxLength = context.limits.deadLetters;
    const letter = { id, reason, attempts, error, metaLine, data, maxLength };
    try {
      if (!(await keepDeadLetter(this.#place, this.#lease, letter))) return false;
    } catch (failure) {
      // The event stays, and its call waits; the caller gets the failure.
      this.#deadLettersAt = performance.now() + DEAD_LETTER_RETRY_MS;
      done.resolve(false);
      throw failure;
    }
    outbox.givenUp.shift();
    this.#turnAt = performance.now();
    this.#finished(held, 'dead_lettered');
    context.hold(-1);
    context.counters.deadLettered += 1;
    done.resolve(true);
    return true;
  }
}
