import { CursorKeeper, type CursorStore } from './cursor-store.ts';
import { FirehoseError } from './errors.ts';
import type { Call } from './call.ts';
import type { Frame, GapItem, SnapshotItem, StreamItem } from './items.ts';
import { judgeStream, type FirehoseOptions, type StreamOptions } from './options.ts';
import { RecentIds } from './recent-ids.ts';
import { Session, type Arrival } from './session.ts';
import type { OpenTransport } from './transport.ts';

/**
 * Events in order, over any number of connections. The cursor of an item is kept when the next item is asked for: what
 * the body of the loop did not finish comes again. Leaving the loop ends the connection, and does not keep its item.
 */
export class EventStream implements AsyncIterableIterator<StreamItem> {
  readonly #session: Session;
  readonly #onGap: NonNullable<StreamOptions['onGap']>;
  readonly #keeper: CursorKeeper;
  readonly #recent = new RecentIds();
  #isLoaded = false;
  /** The cursor of the item that the caller works on. */
  #handling: string | null = null;
  /** A snapshot that has not ended. */
  #coming: { readonly reason: string; readonly calls: Call[] } | null = null;

  constructor(client: FirehoseOptions, transport: OpenTransport, options: StreamOptions) {
    judgeStream(options);
    const { cursorStore = memoryCursor(), from, to, snapshot = false, signal } = options;
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

  async next(): Promise<IteratorResult<StreamItem, undefined>> {
    if (this.#handling !== null) this.#keeper.keep(this.#handling);
    this.#handling = null;
    try {
      if (!this.#isLoaded) await this.#load();
      for (;;) {
        const arrival = this.#session.taken() ?? (await this.#session.next());
        if (arrival === null) break;
        const item = this.#itemOf(arrival);
        if (item !== null) return { done: false, value: item };
      }
    } catch (error) {
      this.#session.close();
      throw error;
    }
    await this.#keeper.flush();
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<StreamItem, undefined>> {
    this.#session.close();
    await this.#keeper.flush();
    return { done: true, value: undefined };
  }

  async #load(): Promise<void> {
    this.#session.cursor = await this.#keeper.load();
    this.#isLoaded = true;
  }

  #itemOf(arrival: Arrival): StreamItem | null {
    switch (arrival.kind) {
      case 'gap':
        return this.#gap(arrival.gap);
      case 'event': {
        const { item } = arrival;
        if (this.#recent.has(item.id)) return null;
        this.#recent.add(item.id);
        this.#handling = item.cursor;
        return item;
      }
      case 'frame':
        return this.#ofFrame(arrival.frame);
    }
  }

  /** Asks for the live calls, which come as an item. False when there is no connection. */
  askForSnapshot(): boolean {
    return this.#session.send({ snapshot: 'calls' });
  }

  #ofFrame(frame: Frame): GapItem | SnapshotItem | null {
    if (frame.type in SNAPSHOT_FRAMES) return this.#ofSnapshot(frame);
    if (frame.type === 'gap' || frame.type === 'source_gap') {
      const { reason = '', requested = null, missed = null } = frame;
      return this.#gap({ type: 'gap', reason: frame.type === 'gap' ? reason : 'source_gap', requested, missed });
    }
    // Nothing is under way: everything before this place is handled.
    if (frame.type === 'watermark' && typeof frame.cursor === 'string') this.#keeper.keep(frame.cursor);
    return null;
  }

  /** The snapshot once it has ended: one that is cut off was not given (L13). */
  #ofSnapshot({ type, reason = '', call, cursor }: Frame): SnapshotItem | null {
    if (type === 'call' && call !== undefined) this.#coming?.calls.push(call);
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

const SNAPSHOT_FRAMES = { hello: 0, snapshot_begin: 0, call: 0, snapshot_end: 0 };

function memoryCursor(): CursorStore {
  let kept: string | null = null;
  return {
    load: () => Promise.resolve(kept),
    save(cursor) {
      kept = cursor;
      return Promise.resolve();
    },
  };
}
