import { FirehoseError } from './errors.ts';
import { InTurn } from './in-turn.ts';
import type { CallEvent } from './call-event.ts';
import type { EventItem, GapItem } from './items.ts';
import type { FirehoseOptions, GroupOptions } from './options.ts';
import { RecentIds } from './recent-ids.ts';
import { Session, type Arrival } from './session.ts';
import type { OpenTransport } from './transport.ts';

const PROGRESS_MS = 15_000;

/** An event of a durable group. It is delivered again until `ack` or `term` is called. */
export interface Delivery {
  readonly type: 'delivery';
  readonly event: CallEvent;
  readonly id: string;
  readonly account: string | null;
  /** RFC 3339 with microseconds. */
  readonly ingestedAt: string | null;
  /** 1 for the first delivery. */
  readonly attempt: number;
  /** Handled: it is not delivered again. */
  ack(): void;
  /** Failed: the gateway delivers it again, after this time instead of the group's back-off. */
  nack(delayMs?: number): void;
  /** It can never be handled: it becomes a dead letter. */
  term(reason?: string): void;
}

/** Deliveries of a durable group. While one is being handled, the client asks the gateway for more time for it. */
export class GroupStream implements AsyncIterableIterator<Delivery | GapItem> {
  readonly #session: Session;
  readonly #concurrency: number;
  readonly #underWay = new Map<string, { readonly attempt: number }>();
  /** Ids that this client acknowledged: it acknowledges a redelivery again, without giving it to the caller. */
  readonly #acknowledged = new RecentIds();
  readonly #progressMs: number;
  #progress: ReturnType<typeof setInterval> | null = null;
  readonly #turns = new InTurn();
  #freed: (() => void) | null = null;

  constructor(client: FirehoseOptions, transport: OpenTransport, name: string, options: GroupOptions) {
    const { concurrency = 1, progressMs = PROGRESS_MS, regroup = false, signal } = options;
    if (!Number.isInteger(concurrency) || concurrency < 1) {
      throw new FirehoseError('invalid_option', 'concurrency: a whole number from 1');
    }
    this.#concurrency = concurrency;
    this.#session = new Session({
      client,
      transport,
      mayOverlap: false,
      signal,
      query: () => ({ group: name, ...(regroup && { regroup: 'true' }) }),
    });
    // The gateway delivers the former connection's unacknowledged events again on this one.
    this.#session.onConnected = () => this.#forgetAll();
    this.#progressMs = progressMs;
    this.#session.signal.addEventListener('abort', () => this.#end(), { once: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Delivery | GapItem, undefined>> {
    return this.#turns.run(() => this.#following());
  }

  async #following(): Promise<IteratorResult<Delivery | GapItem, undefined>> {
    // Nothing runs before the caller requests the first delivery.
    if (!this.#session.isStopped) this.#progress ??= setInterval(() => this.#askForTime(), this.#progressMs);
    try {
      for (;;) {
        while (this.#underWay.size >= this.#concurrency && !this.#session.isStopped) await this.#whenFreed();
        const arrival = this.#session.taken() ?? (await this.#session.next());
        if (arrival === null) break;
        const value = this.#valueOf(arrival);
        if (value !== null) return { done: false, value };
      }
    } catch (error) {
      this.#end();
      throw error;
    }
    this.#end();
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<Delivery | GapItem, undefined>> {
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  #valueOf(arrival: Arrival): Delivery | GapItem | null {
    if (arrival.kind === 'gap') return arrival.gap;
    if (arrival.kind === 'frame') {
      const { type, reason = '', requested = null, missed = null } = arrival.frame;
      if (type === 'gap') return { type: 'gap', reason, requested, missed };
      return type === 'source_gap' ? { type: 'gap', reason: type, requested: null, missed: null } : null;
    }
    const { item, attempt } = arrival;
    if (this.#acknowledged.has(item.id)) {
      this.#session.send({ ack: [item.id] });
      return null;
    }
    return this.#deliver(item, attempt);
  }

  #deliver({ event, id, account, ingestedAt }: EventItem, attempt: number): Delivery {
    const own = { attempt };
    this.#underWay.set(id, own);
    const finish = (frame: object) => {
      if (this.#underWay.get(id) === own) {
        this.#underWay.delete(id);
        this.#session.send(frame);
      }
      this.#free();
    };
    return {
      type: 'delivery',
      event,
      id,
      account,
      ingestedAt,
      attempt,
      ack: () => {
        this.#acknowledged.add(id);
        finish({ ack: [id] });
      },
      nack: (delayMs) => finish({ nack: id, ...(delayMs !== undefined && { delay_ms: delayMs }) }),
      term: (reason) => {
        this.#acknowledged.add(id);
        finish({ term: id, ...(reason !== undefined && { reason: reason.slice(0, 256) }) });
      },
    };
  }

  #askForTime(): void {
    for (const id of this.#underWay.keys()) this.#session.send({ progress: id });
  }

  #forgetAll(): void {
    this.#underWay.clear();
    this.#free();
  }

  #whenFreed(): Promise<void> {
    return new Promise((resolve) => (this.#freed = resolve));
  }

  #free(): void {
    const freed = this.#freed;
    this.#freed = null;
    freed?.();
  }

  #end(): void {
    if (this.#progress !== null) clearInterval(this.#progress);
    this.#session.close();
    this.#free();
  }
}
