import type { Logger } from '../runtime/logging/logger.ts';
import {
  CONTROLLED,
  makeContexts,
  queueFor,
  type OperatorParts,
  type OperatorTimings,
  type Queues,
} from './contexts.ts';
import { runController } from './controller.ts';
import { followSources } from './follow-sources.ts';
import { openHealthListener } from './http/health-listener.ts';
import { createApi, type ApiOptions } from './kubernetes/api.ts';
import type { ElectionOptions } from './kubernetes/leader-election.ts';
import { OPTIONAL_KINDS, type ObjectCache } from './kubernetes/object-cache.ts';
import { keyOf, SOURCES, SUBSCRIPTIONS } from './kubernetes/objects.ts';
import { WorkQueue } from './kubernetes/work-queue.ts';
import { createLeading } from './lead.ts';
import { createMetrics, type Metrics } from './metrics/metrics.ts';
import { samplesOf, subscriptionSamples } from './metrics/samples.ts';
import { createRedisPool } from './redis/redis-pool.ts';
import { FOLLOWED } from './role.ts';

export type { OperatorTimings } from './contexts.ts';

/** A running operator: it watches from the start, and reconciles while it leads. */
export interface Operator extends AsyncDisposable {
  readonly port: number;
  readonly isLeader: boolean;
  /** Rejects with a LeadershipLost when another process leads: this process ends then. */
  readonly ended: Promise<never>;
}

const LEASE = 'firehose-operator';
/** A watch that is silent for this long is logged as stale. */
const STALE_MS = 300_000;

/** The composition root: opens all parts in order, and releases them in reverse. */
export async function buildOperator(parts: OperatorParts): Promise<Operator> {
  const { config, connection, logger, timings = {} } = parts;
  await using stack = new AsyncDisposableStack();
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  const metrics = stack.use(createMetrics());
  const queues = createQueues(stack, timings.backoff);
  const redis = stack.use(createRedisPool({ logger, allowLoopback: !connection.isInCluster }));
  const leading = stack.use(createLeading(logger));
  const apiOptions: ApiOptions = {
    connection,
    signal: stop.signal,
    onAnswer: (method, status) => metrics.requested(method, status),
  };
  const { contexts, resources, owned } = makeContexts({ ...parts, queues, redis, leading, apiOptions });
  let isSynced = false;
  const scrape: Metrics['scrape'] = (request, response) => metrics.scrape(request, response);
  const listener = stack.use(await openHealthListener({ ...config, logger, isReady: () => isSynced, metrics: scrape }));
  const caches = { resources, owned };
  const now = parts.now ?? Date.now;
  metrics.observe({
    queues,
    isLeader: () => leading.isLeader,
    watchAges: () => watchAges(caches),
    subscriptions: () => subscriptionSamples(resources, now),
    sources: () => samplesOf(resources, SOURCES, now),
  });
  const resync = setInterval(() => lookAtEverything(caches, queues, logger), config.resyncMs);
  stack.defer(() => clearInterval(resync));

  const election = electionOf(parts, createApi(apiOptions));
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => undefined);
  const work = async () => {
    await Promise.all([resources.follow(SUBSCRIPTIONS), ...FOLLOWED.map((kind) => owned.follow(kind))]);
    void followSources(resources, { lookAgainMs: timings.lookAgainMs, signal: stop.signal, logger });
    // Objects that an earlier operator process created for them may have to be deleted.
    await Promise.all(OPTIONAL_KINDS.map((kind) => owned.has(kind)));
    isSynced = true;
    const { workers } = config;
    await leading.run(election, async (signal) => {
      const each = CONTROLLED.map(async (controlled) => {
        const [context, queue] = [contexts[controlled.kind], queues[controlled.kind]];
        await runController({ controlled, context, queue, metrics, workers, signal });
      });
      await Promise.all(each);
    });
  };
  work().catch(ended.reject);
  const all = stack.move();
  return {
    port: listener.port,
    get isLeader() {
      return leading.isLeader;
    },
    ended: ended.promise,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function createQueues(stack: AsyncDisposableStack, backoff: OperatorTimings['backoff']): Queues {
  const create = () => {
    const queue = new WorkQueue(backoff);
    stack.defer(() => queue.clear());
    return queue;
  };
  return { FirehoseSubscription: create(), FirehoseSource: create() };
}

function electionOf({ config, connection, timings = {} }: OperatorParts, api: ElectionOptions['api']) {
  return {
    api,
    namespace: config.namespace ?? connection.namespace,
    name: LEASE,
    identity: config.identity,
    ...(timings.lease !== undefined && { timings: timings.lease }),
  };
}

interface Caches {
  readonly resources: ObjectCache;
  readonly owned: ObjectCache;
}

/** Milliseconds since the last data of each watch, by plural. */
function watchAges({ resources, owned }: Caches): ReadonlyMap<string, number> {
  return new Map([...owned.ages(), ...resources.ages()]);
}

/** Queues every resource, and logs watches that are silent. */
function lookAtEverything(caches: Caches, queues: Queues, logger: Logger): void {
  for (const [resource, ms] of watchAges(caches)) if (ms > STALE_MS) logger.error({ resource, ms }, 'a watch is stale');
  for (const kind of [SUBSCRIPTIONS, SOURCES]) {
    for (const resource of caches.resources.values(kind)) queueFor(queues, kind.kind)?.add(keyOf(resource));
  }
}
