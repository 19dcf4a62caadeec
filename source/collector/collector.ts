import type { EventLog } from '../../event-log/event-log.ts';
import { DEFAULT_KEY_PREFIX, sourceKeys } from '../../protocol/keys.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import type { CollectorContext } from './context.ts';
import type { Endpoint } from './endpoint.ts';
import type { EndpointSpec } from './hearing.ts';
import { RunningEndpoints } from './running-endpoints.ts';
import { RingBudget } from './kept.ts';
import { silentObserver, type CollectorObserver, type EndpointFigures } from './observer.ts';
import { publish } from './publish.ts';
import { createWaker } from './waker.ts';

/** More than eight members: the inputs of each part of a collector, and limits that tests make smaller. */
export interface CollectorOptions {
  /** `<namespace>/<name>`: replicas of one source share it. */
  readonly source: string;
  /** Unique id of this replica, without a slash or a colon. */
  readonly replica: string;
  readonly endpoints: readonly EndpointSpec[];
  readonly eventLog: Pick<EventLog, 'append' | 'partitions'>;
  /** Client for commands that do not block. The lease is in the Redis of the log. */
  readonly client: RedisClient;
  readonly keyPrefix?: string;
  readonly logger: Logger;
  readonly observer?: CollectorObserver;
  /** Unix milliseconds; Date.now when not given. */
  readonly now?: () => number;
  /** Jitter of the back-off, 0 to 1. */
  readonly random?: () => number;
  readonly limits?: Partial<typeof LIMITS>;
}

const LIMITS = {
  /** Limit of what a source keeps in memory because the log is not known to have it. */
  ringBytes: 64 * 1024 * 1024,
  ringEvents: 200_000,
  leaseMs: 5_000,
  turnMs: 1_500,
};

/** Amount freed at once, so that a full ring is not searched for each event. */
const ROOM = 0.1;
const ADVANCE_EVERY_MS = 50;

/**
 * A collector that runs until it is disposed of. It then appends its remaining events for a short time, and releases
 * its leases.
 */
export interface Collector extends AsyncDisposable {
  /**
   * Replaces the endpoints. An endpoint that is the same object continues; a different one of the same name replaces
   * its predecessor.
   */
  setEndpoints(endpoints: readonly EndpointSpec[]): void;
  /** Reads the state at a scrape. */
  figures(): {
    /** Memory used by all endpoints together, and how many events fit into the limit. */
    readonly ringBytes: number;
    readonly ringLimit: number;
    readonly endpoints: readonly EndpointFigures[];
  };
  /** Rejects with the unexpected error that ended the collector. */
  readonly ended: Promise<void>;
}

/** Listens to the switches of a source on this replica. Publishes the events of the endpoints whose lease it holds. */
export function openCollector(options: CollectorOptions): Collector {
  const waker = createWaker();
  const context: CollectorContext = contextOf(options, waker, () => makeRoom(context, running.all));
  const running = new RunningEndpoints(context);
  const closing = new AbortController();
  const { eventLog } = options;
  const ended = publish({ endpoints: () => running.all, eventLog, waker, signal: closing.signal });
  // A caller that awaits `failed` gets the rejection. Without such a caller the rejection must not end the process.
  ended.catch(() => undefined);
  const timer = setInterval(() => {
    for (const { hearing } of running.all) hearing.advance();
  }, ADVANCE_EVERY_MS);
  running.set(options.endpoints);
  return {
    setEndpoints: (endpoints) => running.set(endpoints),
    figures: () => ({
      ringBytes: context.budget.bytes,
      ringLimit: context.budget.maxEvents,
      endpoints: running.all.map(({ figures }) => figures),
    }),
    ended,
    async [Symbol.asyncDispose]() {
      running.set([]);
      await running.settled();
      clearInterval(timer);
      closing.abort();
      waker.wake();
      await ended.catch(() => undefined);
    },
  };
}

function contextOf(options: CollectorOptions, waker: CollectorContext['waker'], onFull: () => void): CollectorContext {
  const { source, replica, client, logger, observer = silentObserver, now = Date.now, random } = options;
  const limits = { ...LIMITS, ...options.limits };
  return {
    source,
    replica,
    client,
    keys: sourceKeys(options.keyPrefix ?? DEFAULT_KEY_PREFIX, source),
    budget: new RingBudget({ maxBytes: limits.ringBytes, maxEvents: limits.ringEvents }),
    observer,
    logger,
    now,
    elapsed: () => performance.now(),
    ...(random !== undefined && { random }),
    startedAt: now(),
    leaseMs: limits.leaseMs,
    turnMs: limits.turnMs,
    waker,
    onFull,
  };
}

/** The endpoint that keeps most gives up events. */
function makeRoom({ budget, observer, logger }: CollectorContext, endpoints: readonly Endpoint[]): void {
  const bytes = budget.bytes - budget.maxBytes * (1 - ROOM);
  const events = budget.events - budget.maxEvents * (1 - ROOM);
  const [most] = endpoints.toSorted((one, other) => other.hearing.tape.bytes - one.hearing.tape.bytes);
  if (most === undefined) return;
  const given = most.hearing.tape.shed({ bytes, events });
  observer.overflowed(most.spec.name, given);
  logger.error({ endpoint: most.spec.name, events: given }, 'events are given up: the log is away for too long');
}
