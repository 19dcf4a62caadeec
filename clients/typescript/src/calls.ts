import { reduceCall, type Leg } from './call-state.ts';
import type { Call } from './call.ts';
import type { EventItem, GapItem, SnapshotItem } from './items.ts';
import { RecentIds } from './recent-ids.ts';
import type { EventStream } from './stream.ts';

/** A change of the live calls. */
export type CallChange =
  /** The table is new: read all of it. */
  | { readonly type: 'snapshot'; readonly reason: string; readonly calls: number }
  | { readonly type: 'began'; readonly call: Call }
  | { readonly type: 'changed'; readonly call: Call; readonly before: Call }
  /** `event` is its CHANNEL_DESTROY. */
  | { readonly type: 'ended'; readonly call: Call; readonly event: EventItem['event'] }
  /** Events were lost. The table keeps its state from before, until the `snapshot` that follows. */
  | GapItem;

/**
 * The live calls, from a snapshot and the events after it. The table changes during the iteration: it has the state of
 * the last returned change. Recovers by itself: after a cut it resumes, after a loss it gets a snapshot.
 */
export class LiveCalls implements AsyncIterableIterator<CallChange> {
  readonly #stream: EventStream;
  #legs = new Map<string, Leg>();
  #isCurrent = false;
  /** Ended by the platform, not by the switch: later events of the switch do not revive them. */
  readonly #endedForIt = new RecentIds();

  constructor(stream: EventStream) {
    this.#stream = stream;
  }

  get size(): number {
    return this.#legs.size;
  }

  /** False before the first snapshot, and between a gap and the snapshot after it. */
  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  get(account: string, callId: string): Call | undefined {
    return this.#legs.get(keyOf(account, callId))?.call;
  }

  *values(): IterableIterator<Call> {
    for (const { call } of this.#legs.values()) yield call;
  }

  /** Requests a snapshot. The gateway sends at most one in ten seconds. False when there is no connection. */
  refresh(): boolean {
    return this.#stream.askForSnapshot();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<CallChange, undefined>> {
    for (;;) {
      const { done, value: item } = await this.#stream.next();
      if (done === true) return { done, value: undefined };
      const value = item.type === 'event' ? this.#take(item) : this.#reset(item);
      if (value !== null) return { done: false, value };
    }
  }

  async return(): Promise<IteratorResult<CallChange, undefined>> {
    await this.#stream.return();
    return { done: true, value: undefined };
  }

  #reset(item: SnapshotItem | GapItem): CallChange {
    this.#isCurrent = item.type === 'snapshot' || (item.reason === 'source_gap' && this.#isCurrent);
    if (item.type === 'gap') return item;
    const { reason, calls } = item;
    this.#legs = new Map(calls.map((call) => [keyOf(call.account_id, call.call_id), { call, stateBefore: null }]));
    return { type: 'snapshot', reason, calls: calls.length };
  }

  #take(item: EventItem): CallChange | null {
    const { event, account } = item;
    if (account === null || typeof event['Call-ID'] !== 'string') return null;
    const key = keyOf(account, event['Call-ID']);
    const before = this.#legs.get(key);
    if (before === undefined && this.#endedForIt.has(key)) return null;
    const after = reduceCall(before, item);
    if (after === undefined) return null;
    if (after !== null) {
      this.#legs.set(key, after);
      return before === undefined
        ? { type: 'began', call: after.call }
        : { type: 'changed', call: after.call, before: before.call };
    }
    this.#legs.delete(key);
    if (event['Firehose-Synthetic'] !== undefined) this.#endedForIt.add(key);
    return before === undefined ? null : { type: 'ended', call: before.call, event };
  }
}

function keyOf(account: string, callId: string): string {
  return `${account}\t${callId}`;
}
