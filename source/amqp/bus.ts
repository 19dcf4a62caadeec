import type { EventLog } from '../../event-log/event-log.ts';
import { DEFAULT_KEY_PREFIX, sourceKeys } from '../../protocol/keys.ts';
import type { SourceReport } from '../../protocol/source-report.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { BusEndpoint, type BrokerSpec, type BusObserver } from './bus-endpoint.ts';
import type { BusMapper } from './bus-mapper.ts';
import type { Wanted } from './bindings.ts';

/** More than eight members: what is consumed, how it is mapped, where it is appended, and who observes it. */
export interface BusOptions {
  /** `<namespace>/<name>`: replicas of one source share it. */
  readonly source: string;
  /** Unique id of this replica, without a slash or a colon. */
  readonly replica: string;
  readonly brokers: readonly BrokerSpec[];
  readonly wanted: Wanted;
  /** Largest number of unacknowledged messages, for each broker. */
  readonly prefetch: number;
  /** Creates the mapper of one broker. */
  readonly mapper: () => BusMapper;
  /** How long the CREATE of a leg waits for its account, in milliseconds. */
  readonly holdMs: number;
  readonly eventLog: Pick<EventLog, 'append' | 'partitions'>;
  /** Client for commands that do not block, of the Redis that holds the log. */
  readonly client: RedisClient;
  readonly keyPrefix?: string;
  readonly observer?: BusObserver;
  /** Unix milliseconds; Date.now when not given. */
  readonly now?: () => number;
}

/** A bus that is consumed until it is disposed of. The broker then gives unacknowledged messages to another replica. */
export interface Bus extends AsyncDisposable {
  /**
   * Replaces the brokers. A broker that is the same object continues; a different one of the same name replaces its
   * predecessor.
   */
  setBrokers(brokers: readonly BrokerSpec[]): void;
  /** Reads the state at a scrape. */
  figures(): readonly BusEndpoint['figures'][];
  /** The reported state of each broker; Redis holds it as well. */
  reports(): readonly SourceReport[];
  /** Rejects with the unexpected error that ended the bus. */
  readonly ended: Promise<void>;
}

const silentObserver: BusObserver = {
  connectEnded: () => undefined,
  eventRead: () => undefined,
  eventAppended: () => undefined,
  gapTold: () => undefined,
  stateChanged: () => undefined,
};

interface Running {
  readonly spec: BrokerSpec;
  readonly endpoint: BusEndpoint;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/**
 * Consumes the queues of a source on all its brokers. Several zones of one platform are several brokers. Kazoo's events
 * have derived ids, so an event that is federated between zones is stored once.
 */
export function openBus(options: BusOptions): Bus {
  const running = new Map<string, Running>();
  const failed = Promise.withResolvers<void>();
  // A caller that awaits `failed` gets the rejection. Without such a caller the rejection must not end the process.
  failed.promise.catch(() => undefined);
  const start = (spec: BrokerSpec): Running => {
    const endpoint = new BusEndpoint(endpointOptions(spec, options));
    const stop = new AbortController();
    const ended = endpoint.run(stop.signal).catch(failed.reject);
    return { spec, endpoint, stop, ended };
  };
  const halt = async ({ stop, ended }: Running) => {
    stop.abort();
    await ended;
  };
  let change: Promise<void> = Promise.resolve();
  const replace = async (brokers: readonly BrokerSpec[]) => {
    const wanted = new Map(brokers.map((spec) => [spec.name, spec]));
    const gone = [...running.values()].filter(({ spec }) => wanted.get(spec.name) !== spec);
    for (const { spec } of gone) running.delete(spec.name);
    // Two consumers of one name would share one field of the reports.
    await Promise.all(gone.map(halt));
    for (const spec of wanted.values()) if (!running.has(spec.name)) running.set(spec.name, start(spec));
  };
  const setBrokers = (brokers: readonly BrokerSpec[]) => {
    change = change.then(() => replace(brokers));
  };
  setBrokers(options.brokers);
  return {
    setBrokers,
    figures: () => [...running.values()].map(({ endpoint }) => endpoint.figures),
    reports: () => [...running.values()].map(({ endpoint }) => endpoint.report()),
    ended: failed.promise,
    async [Symbol.asyncDispose]() {
      setBrokers([]);
      await change;
      failed.resolve();
    },
  };
}

function endpointOptions(spec: BrokerSpec, options: BusOptions) {
  const { source, replica, wanted, prefetch, mapper, holdMs, eventLog, client } = options;
  const { keyPrefix = DEFAULT_KEY_PREFIX, observer = silentObserver, now = Date.now } = options;
  const place = { client, keys: sourceKeys(keyPrefix, source), source, endpoint: spec.name, replica };
  return { spec, place, wanted, prefetch, mapper: mapper(), holdMs, eventLog, observer, now };
}
