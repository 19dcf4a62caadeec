import type { DeadReason } from './dead-letters.ts';
import type { Held, Loaded } from './ledger.ts';

/** What is sent to Redis in one turn. */
export interface Parcel<C extends Loaded> {
  readonly acks: readonly Held<C>[];
  /** Ids of entries that were never held: excluded by the filter, poison, trimmed. */
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

/** What a partition's owner has to send to Redis, collected between two turns. */
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

  /** The event's attempts are to be stored. */
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
    // An event that is finished in the meantime needs no attempts: Redis would keep them forever.
    const written = this.#written.filter((held) => held.state !== 'finishing' && held.state !== 'finished');
    const parcel = { acks: this.#acks, dropped: this.#dropped, written, flushed: this.#flushed };
    this.#acks = [];
    this.#dropped = [];
    this.#written = [];
    this.#flushed = null;
    return parcel;
  }

  /** The turn failed, but Redis may have executed it: it is sent again, with later additions. */
  putBack(parcel: Parcel<C>): void {
    this.#acks = [...parcel.acks, ...this.#acks];
    this.#dropped = [...parcel.dropped, ...this.#dropped];
    this.#written = [...parcel.written, ...this.#written];
    const later = this.#flushed;
    if (parcel.flushed === null) return;
    this.#flushed = parcel.flushed;
    if (later !== null) later.resolve(parcel.flushed.promise);
  }

  /** The lease is gone: answers waiting callers, and returns the ids whose acknowledgement was not sent. */
  discard(): string[] {
    const { acks, flushed } = this.take();
    flushed?.resolve(false);
    for (const { done } of this.givenUp.splice(0)) done.resolve(false);
    return acks.map((held) => held.id);
  }
}
