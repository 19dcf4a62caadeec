import { CursorKeeper, type CursorStore } from './cursor-store.ts';
import { FirehoseError } from './errors.ts';
import type { Frame, GapItem, StreamItem } from './items.ts';
import type { FirehoseOptions, StreamOptions } from './options.ts';
import { RecentIds } from './recent-ids.ts';
import { Session, type Arrival } from './session.ts';
import type { OpenTransport } from './transport.ts';

/**
 * Events in order, over any number of connections. The cursor of an item is kept when the next item is asked for: what
 * the body of the loop did not finish comes again. Leaving the loop ends the connection, and does not keep its item.
 */
export class EventStream implements AsyncIterableIterator<StreamItem> {
  readonly #session: Session;
  readonly #onGap: 'clamp' | 'fail';
  readonly #keeper: CursorKeeper;
  readonly #recent = new RecentIds();
  #isLoaded = false;
  /** The cursor of the item that the caller works on. */
  #handling: string | null = null;

  constructor(client: FirehoseOptions, transport: OpenTransport, options: StreamOptions) {
    const { cursorStore = memoryCursor(), from, to, onGap = 'clamp', signal } = options;
    this.#onGap = onGap;
    this.#keeper = new CursorKeeper(cursorStore);
    this.#session = new Session({
      client,
      transport,
      mayOverlap: to === undefined,
      signal,
      query: (cursor) => ({
        on_gap: onGap,
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

  #ofFrame(frame: Frame): GapItem | null {
    if (frame.type === 'gap' || frame.type === 'source_gap') {
      const { reason = '', requested = null, missed = null } = frame;
      return this.#gap({ type: 'gap', reason: frame.type === 'gap' ? reason : 'source_gap', requested, missed });
    }
    // Nothing is under way: everything before this place is handled.
    if (frame.type === 'watermark' && typeof frame.cursor === 'string') this.#keeper.keep(frame.cursor);
    return null;
  }

  #gap(gap: GapItem): GapItem {
    if (this.#onGap === 'clamp') return gap;
    throw new FirehoseError('gap', `events were lost: ${gap.reason}`, { reason: gap.reason });
  }
}

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
