import type { EndpointSpec } from './hearing.ts';
import { Hearing } from './hearing.ts';
import type { Kept } from './kept.ts';
import type { CollectorContext } from './context.ts';
import { Leadership } from './leadership.ts';
import type { EndpointFigures } from './observer.ts';
import type { Publishable } from './publish.ts';
import { createWaker, type Waker } from './waker.ts';

const DRAIN_MS = 2_000;
const DRAIN_LOOK_MS = 20;

/** One running endpoint: it listens, takes turns at the lease, and offers its events to the publishing loop. */
export class Endpoint implements Publishable<Kept> {
  readonly spec: EndpointSpec;
  readonly hearing: Hearing;
  readonly #leadership: Leadership;
  readonly #waker: Waker = createWaker();
  readonly #context: CollectorContext;
  readonly #stop = new AbortController();
  #running: Promise<void> | null = null;

  constructor(spec: EndpointSpec, context: CollectorContext) {
    const { keys, client, replica, source, observer, logger, now, elapsed, turnMs, leaseMs, startedAt, random } =
      context;
    this.spec = spec;
    this.#context = context;
    this.hearing = new Hearing({
      spec,
      budget: context.budget,
      logger,
      observer,
      now,
      elapsed,
      ...(random !== undefined && { random }),
      known: () => this.#leadership.position,
      onNews: (news) => (news === 'event' ? context.waker.wake() : this.#waker.wake()),
      onFull: context.onFull,
    });
    this.#leadership = new Leadership({
      place: { client, keys, endpoint: spec.name, replica, ttlMs: leaseMs },
      source,
      hearing: this.hearing,
      observer,
      logger,
      now,
      elapsed,
      turnMs,
      startedAt,
    });
  }

  start(): void {
    this.#running ??= this.#run(this.#stop.signal);
  }

  /** Stops listening, appends its remaining events for a short time, and releases the lease. Never rejects. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  next() {
    return this.#leadership.next();
  }

  take(batch: Parameters<Publishable<Kept>['take']>[0]): void {
    this.hearing.tape.take(batch);
  }

  settle(...given: Parameters<Publishable<Kept>['settle']>): void {
    this.#leadership.settle(...given);
    void this.#leadership.flush();
  }

  get figures(): EndpointFigures {
    const { hearing } = this;
    const isLeading = this.#leadership.leads;
    const kept = hearing.tape.length;
    return {
      endpoint: this.spec.name,
      isLive: hearing.isLive,
      isLeading,
      isInStep: hearing.isLive && (hearing.tape.segments.at(-1)?.joined ?? false),
      kept,
      backlog: isLeading ? kept : 0,
      liveLegs: hearing.liveLegs.length,
    };
  }

  async #run(signal: AbortSignal): Promise<void> {
    // The first turn reads what the log has: a mapper needs it to adopt the first listing.
    let dueInMs = await this.#leadership.turn();
    const listening = this.hearing.run(signal);
    const wake = () => this.#waker.wake();
    signal.addEventListener('abort', wake, { once: true });
    while (!signal.aborted) {
      await this.#waker.sleep(dueInMs);
      if (signal.aborted) break;
      dueInMs = await this.#leadership.turn();
      this.#context.waker.wake();
    }
    await listening;
    this.#context.waker.wake();
    const until = performance.now() + DRAIN_MS;
    while (!this.#leadership.isDrained && performance.now() < until) await this.#waker.sleep(DRAIN_LOOK_MS);
    await this.#leadership.leave();
    this.hearing.tape.clear();
  }
}
