import type { Redactor } from '../privacy/redactor.ts';
import type { CutSignal } from './cut.ts';
import type { SentEvent } from './replay.ts';
import type { Verdict } from './verdict.ts';

/** One request or message, as its sender orders it. */
export interface Order {
  /** Of its event, or of its batch. */
  readonly id: string;
  /** At least one. */
  readonly events: readonly SentEvent[];
  /** What the destination may see of them; null: everything. */
  readonly privacy: Redactor | null;
  readonly isReplay: boolean;
  /** Unix milliseconds. */
  readonly at: number;
  /** Whether other events succeed, asked when the outcome is known (endpoint.ts). */
  readonly othersSucceed: () => boolean;
}

/** What came of an order. */
export interface Ended {
  readonly verdict: Verdict;
  /** In words, for people and dead letters. It contains no secret. */
  readonly error: string;
  /** Of an HTTP answer; null without one. */
  readonly status: number | null;
  /** Why there was no answer; null when there was one. */
  readonly code: string | null;
  /** The beginning of the answer. */
  readonly answer: string;
}

/**
 * How events get to a destination: by HTTP, or into a stream of NATS. The sender decides when one is sent, and what an
 * outcome means for the group.
 */
export interface Channel extends Disposable {
  /** The destination without credentials, for people. */
  readonly host: string;
  /** Concurrent orders of a replica. */
  readonly concurrency: number;
  /** Most events of one order, and how long the first of them waits for others. */
  readonly batch: { readonly most: number; readonly waitMs: number };
  /** Whether it has the secrets that it needs. */
  readonly isReady: boolean;
  /** Follows its files until aborted; `onChange` after each change. Never rejects. */
  follow(signal: AbortSignal, onChange: () => void): Promise<void>;
  /** Never rejects. The outcome of an aborted order has no meaning. */
  send(order: Order, signal: CutSignal): Promise<Ended>;
  /** Sends an event that no call has, and says what came of it. Never rejects. */
  test(id: string, at: number): Promise<string>;
}
