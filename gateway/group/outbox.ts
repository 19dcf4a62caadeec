import type { DeadReason } from './dead-letters.ts';
import type { Held, Loaded } from './ledger.ts';

/** What goes to Redis in one turn. */
export interface Parcel<C extends Loaded> {
  readonly acks: readonly Held<C>[];
  /** Ids of entries that were never held: dropped by the filter, poison, trimmed. */
  readonly dropped: readonly string[];
  readonly written: readonly Held<C>[];
  readonly flushed: PromiseWithResolvers<boolean> | null;
}

/** An event that is to become a dead letter. */
export interface GivenUp<C extends Loaded> {
  readonly held: Held<C>;
  readonly reason: DeadReason;
  readonly error: string;
  readonly done: PromiseWithResolvers<boolean>;
}

/** What a partition's owner has to send to Redis, gathered between two turns. */
export class Outbox<C extends Loaded> {
  #acks: Held<C>[] = [];
  #dropped: string[] = [];
  #written: Held<C>[] = [];
  #flushed: PromiseWithResolvers<boolean> | null = null;
  readonly givenUp: GivenUp<C>[] = [];

  get isEmpty(): boolean {
    return this.#acks.length === 0 && this.#dropped.length === 0 && this.#written.length === 0;
  }

  acknowledge(held: Held<C>): void {
    this.#acks.push(held);
  }

  drop(id: string): void {
    this.#dropped.push(id);
  }

  /** Its attempts are to be kept. */
  wrote(held: Held<C>): void {
    this.#written.push(held);
  }

  /** Settles true once Redis has the dead letter. */
  giveUp(held: Held<C>, reason: DeadReason, error: string): Promise<boolean> {
    const done = Promise.withResolvers<boolean>();
    this.givenUp.push({ held, reason, error, done });
    return done.promise;
  }

  /** Settles true once Redis has everything in this outbox, false when it can no longer get it. */
  flushed(): Promise<boolean> {
    this.#flushed ??= Promise.withResolvers();
    return this.#flushed.promise;
  }

  take(): Parcel<C> {
    // What is finished meanwhile needs no attempts: Redis would keep them forever.
    const written = this.#written.filter((held) => held.state !== 'finishing' && held.state !== 'finished');
    const parcel = { acks: this.#acks, dropped: this.#dropped, written, flushed: this.#flushed };
    this.#acks = [];
    this.#dropped = [];
    this.#written = [];
    this.#flushed = null;
    return parcel;
  }

  /** The turn failed, and may have been done in Redis: it is sent again, with what came since. */
  putBack(parcel: Parcel<C>): void {
    this.#acks = [...parcel.acks, ...this.#acks];
    this.#dropped = [...parcel.dropped, ...this.#dropped];
    this.#written = [...parcel.written, ...this.#written];
    const later = this.#flushed;
    if (parcel.flushed === null) return;
    this.#flushed = parcel.flushed;
    if (later !== null) later.resolve(parcel.flushed.promise);
  }

  /** The lease is gone: callers that wait are answered, and the ids that were acknowledged in vain are returned. */
  discard(): string[] {
    const { acks, flushed } = this.take();
    flushed?.resolve(false);
    for (const { done } of this.givenUp.splice(0)) done.resolve(false);
    return acks.map((held) => held.id);
  }
}
