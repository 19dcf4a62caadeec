import * as metrics from '../report/metrics.ts';
import { nameOf, type Numbering } from '../traffic/numbering.ts';
import type { Frame } from './consumer.ts';

/** The state of a leg in an event; null: it has ended. Other events do not change it. */
const STATES: Readonly<Record<string, string | null>> = {
  CHANNEL_CREATE: 'ringing',
  CHANNEL_ANSWER: 'answered',
  CHANNEL_BRIDGE: 'answered',
  CHANNEL_DESTROY: null,
};

/**
 * The wallboard of docs/live-calls.md for the calls of one run. Compares every snapshot that it gets in addition with
 * its board, and counts differences as drift.
 */
export class Board {
  readonly #run: string;
  #calls = new Map<string, string>();
  #coming: { readonly calls: Map<string, string>; readonly asked: boolean; readonly begunAt: number } | null = null;

  constructor(run: string) {
    this.#run = run;
  }

  get size(): number {
    return this.#calls.size;
  }

  hear({ type, reason, call }: Frame): void {
    if (type === 'snapshot_begin') {
      this.#coming = { calls: new Map(), asked: reason === 'asked', begunAt: Date.now() };
    } else if (type === 'call' && call !== undefined) {
      if (call.call_id.startsWith(`${this.#run}-`)) this.#coming?.calls.set(call.call_id, call.state);
    } else if (type === 'snapshot_end') this.#taken();
  }

  take({ call, n }: Pick<Numbering, 'call' | 'n'>): void {
    const state = STATES[nameOf(n)];
    if (state === undefined) return;
    const id = `${this.#run}-${call}`;
    if (state === null) this.#calls.delete(id);
    else this.#calls.set(id, state);
  }

  #taken(): void {
    if (this.#coming === null) return;
    const { calls, asked, begunAt } = this.#coming;
    this.#coming = null;
    metrics.snapshots.add(1, { reason: asked ? 'asked' : 'join' });
    metrics.snapshotTime.add(Date.now() - begunAt);
    if (asked) metrics.drift.add(this.#differences(calls));
    this.#calls = calls;
  }

  #differences(calls: ReadonlyMap<string, string>): number {
    let count = 0;
    for (const [id, state] of calls) if (this.#calls.get(id) !== state) count += 1;
    for (const id of this.#calls.keys()) if (!calls.has(id)) count += 1;
    return count;
  }
}
