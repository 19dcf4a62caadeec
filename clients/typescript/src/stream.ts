import { CursorKeeper } from './cursor-store.ts';
import { FirehoseError } from './errors.ts';
import type { Call } from './call.ts';
import { InTurn } from './in-turn.ts';
import type { Frame, GapItem, SnapshotItem, StreamItem } from './items.ts';
import { judgeStream, type FirehoseOptions, type StreamOptions } from './options.ts';
import { RecentIds } from './recent-ids.ts';
import { Session, type Arrival } from './session.ts';
import type { OpenTransport } from './transport.ts';

type Result = IteratorResult<StreamItem, undefined>;
const DONE: Result = { done: true, value: undefined };

/**
 * Events in order, over any number of connections. The cursor of an item is kept when the next item is requested: an
 * item that the loop's body did not finish is sent again. Leaving the loop ends the connection, without keeping its
 * item.
 */
export class EventStream implements AsyncIterableIterator<StreamItem> {
  readonly #session: Session;
  readonly #onGap: NonNullable<StreamOptions['onGap']>;
  readonly #keeper: CursorKeeper;
  readonly #recent = new RecentIds();
  readonly #turns = new InTurn();
  #isLoaded = false;
  /** The cursor of the item that the caller handles. */
  #handling: string | null = null;
  /** A snapshot that is not complete. */
  #coming: { readonly reason: string; readonly calls: Call[] } | null = null;

  constructor(client: FirehoseOptions, transport: OpenTransport, options: StreamOptions) {
    judgeStream(options);
    const { cursorStore = null, from, to, snapshot = false, signal } = options;
    const { onGap = snapshot ? 'snapshot' : 'clamp' } = options;
    this.#onGap = onGap;
    this.#keeper = new CursorKeeper(cursorStore);
    this.#session = new Session({
      client,
      transport,
      mayOverlap: to === undefined,
      signal,
      query: (cursor) => ({
        on_gap: onGap,
        ...(snapshot && { snapshot: 'calls' }),
        ...(cursor !== null ? { cursor } : from !== undefined && { from }),
        ...(to !== undefined && { to }),
      }),
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Returns waiting messages at once: the cost is one promise for each event, and nothing more. */
  next(): Promise<Result> {
    if (!this.#turns.isIdle) return this.#turns.run(() => this.#following());
    let value: StreamItem | null;
    try {
      this.#keepHandled();
      value = this.#waiting();
    } catch (error) {
      return this.#turns.run(() => this.#failed(error));
    }
    return value === null ? this.#turns.run(() => this.#following()) : Promise.resolve({ done: false, value });
  }

  async return(): Promise<Result> {
    this.#session.close();
    await this.#keeper.flush();
    return DONE;
  }

  /** Requests the live calls, which arrive as an item. False when there is no connection. */
  askForSnapshot(): boolean {
    return this.#session.send({ snapshot: 'calls' });
  }

  async #following(): Promise<Result> {
    try {
      this.#keepHandled();
      if (!this.#isLoaded) this.#session.cursor = await this.#keeper.load(this.#session.signal);
      this.#isLoaded = true;
      for (;;) {
        const arrival = await this.#session.next();
        if (arrival === null) break;
        const value = this.#itemOf(arrival);
        if (value !== null) return { done: false, value };
      }
    } catch (error) {
      return this.#failed(error);
    }
    await this.#keeper.flush();
    return DONE;
  }

  async #failed(reason: unknown): Promise<never> {
    this.#session.close();
    // Keeps the cursor of handled items nevertheless. The first failure counts.
    await this.#keeper.flush().catch(() => undefined);
    throw reason;
  }

  #keepHandled(): void {
    const cursor = this.#handling;
    this.#handling = null;
    if (cursor !== null) this.#keeper.keep(cursor);
  }

  /** An item of the waiting messages; null when they contain none. */
  #waiting(): StreamItem | null {
    if (!this.#isLoaded) return null;
    for (let arrival = this.#session.taken(); arrival !== null; arrival = this.#session.taken()) {
      const item = this.#itemOf(arrival);
      if (item !== null) return item;
    }
    return null;
  }

  #itemOf(arrival: Arrival): StreamItem | null {
    if (arrival.kind === 'gap') return this.#gap(arrival.gap);
    if (arrival.kind === 'frame') return this.#ofFrame(arrival.frame);
    const { item } = arrival;
    if (!this.#recent.add(item.id)) return null;
    this.#handling = item.cursor;
    return item;
  }

  #ofFrame(frame: Frame): GapItem | SnapshotItem | null {
    if (SNAPSHOT_FRAMES.has(frame.type)) return this.#ofSnapshot(frame);
    if (frame.type === 'gap' || frame.type === 'source_gap') {
      const { reason = '', requested = null, missed = null } = frame;
      return this.#gap({ type: 'gap', reason: frame.type === 'gap' ? reason : 'source_gap', requested, missed });
    }
    // The caller handles no item: everything before this position is handled.
    if (frame.type === 'watermark' && typeof frame.cursor === 'string') this.#keeper.keep(frame.cursor);
    return null;
  }

  /** The snapshot once it is complete: one that is cut off is not returned (L13). */
  #ofSnapshot({ type, reason = '', call, cursor }: Frame): SnapshotItem | null {
    if (type === 'call' && typeof call === 'object' && call !== null) this.#coming?.calls.push(call);
    if (type === 'hello') this.#coming = null;
    if (type === 'snapshot_begin') this.#coming = { reason, calls: [] };
    if (type !== 'snapshot_end' || this.#coming === null || typeof cursor !== 'string') return null;
    const { reason: why, calls } = this.#coming;
    this.#coming = null;
    this.#handling = cursor;
    return { type: 'snapshot', reason: why, cursor, calls };
  }

  #gap(gap: GapItem): GapItem {
    if (this.#onGap !== 'fail') return gap;
    throw new FirehoseError('gap', `events were lost: ${gap.reason}`, { reason: gap.reason });
  }
}

const SNAPSHOT_FRAMES: ReadonlySet<string> = new Set(['hello', 'snapshot_begin', 'call', 'snapshot_end']);
