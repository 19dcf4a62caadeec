import type { SubscriptionStatus } from '../protocol/subscription/status.ts';
import type { Logger } from '../runtime/logging/logger.ts';
import type { OperatorConfig } from './config.ts';
import { runController } from './controller.ts';
import { openHealthListener } from './http/health-listener.ts';
import { createApi, type ApiOptions } from './kubernetes/api.ts';
import type { Connection } from './kubernetes/connection.ts';
import { createEventRecorder } from './kubernetes/event-recorder.ts';
import type { InformerTimings } from './kubernetes/informer.ts';
import type { ElectionOptions, LeaseTimings } from './kubernetes/leader-election.ts';
import { ObjectCache, OPTIONAL_KINDS } from './kubernetes/object-cache.ts';
import { keyOf, objectPath, SUBSCRIPTIONS, type KubeObject } from './kubernetes/objects.ts';
import { createSecretReader } from './kubernetes/secret-reader.ts';
import { WorkQueue, type Backoff } from './kubernetes/work-queue.ts';
import { createLeading, type Leading } from './lead.ts';
import { createMetrics, type SubscriptionSample } from './metrics/metrics.ts';
import { createRedisPool } from './redis/redis-pool.ts';
import { MANAGED_BY } from './resources/rendering.ts';
import { FOLLOWED } from './role.ts';
import { Memories, TIMINGS, type Context, type ReconcileTimings } from './subscription/context.ts';

/** Intervals and limits; tests shorten them. */
export interface OperatorTimings {
  readonly informer?: Partial<InformerTimings>;
  readonly lease?: Partial<LeaseTimings>;
  readonly reconcile?: Partial<ReconcileTimings>;
  readonly backoff?: Backoff;
  readonly lookAgainMs?: number;
}

export interface OperatorParts {
  readonly config: OperatorConfig;
  readonly connection: Connection;
  readonly logger: Logger;
  readonly timings?: OperatorTimings;
  /** Unix milliseconds. */
  readonly now?: () => number;
}

/** A running operator: it watches from the start, and reconciles while it leads. */
export interface Operator extends AsyncDisposable {
  readonly port: number;
  readonly isLeader: boolean;
  /** Rejects with a LeadershipLost when another process leads: this one ends then. */
  readonly ended: Promise<never>;
}

const LEASE = 'firehose-operator';
/** Silence of a watch after which it is logged as stale. */
const STALE_MS = 300_000;

/** The composition root: makes everything, in order, and releases it in reverse. */
export async function buildOperator(parts: OperatorParts): Promise<Operator> {
  const { config, connection, logger, timings = {} } = parts;
  await using stack = new AsyncDisposableStack();
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  const metrics = stack.use(createMetrics());
  const queue = new WorkQueue(timings.backoff);
  stack.defer(() => queue.clear());
  const redis = stack.use(createRedisPool({ logger, allowLoopback: !connection.isInCluster }));
  const leading = stack.use(createLeading(logger));
  const apiOptions: ApiOptions = {
    connection,
    signal: stop.signal,
    onAnswer: (method, status) => metrics.requested(method, status),
  };
  const { context, subscriptions, owned } = makeContext({ ...parts, queue, redis, leading, apiOptions });
  let isSynced = false;
  const listener = stack.use(
    await openHealthListener({
      ...config,
      logger,
      isReady: () => isSynced,
      metrics: (request, response) => metrics.scrape(request, response),
    }),
  );
  const caches = { subscriptions, owned };
  metrics.observe({
    queue,
    isLeader: () => leading.isLeader,
    watchAges: () => watchAges(caches),
    subscriptions: () => samplesOf(subscriptions, parts.now ?? Date.now),
  });
  const resync = setInterval(() => lookAtEverything(caches, queue, logger), config.resyncMs);
  stack.defer(() => clearInterval(resync));

  const election = electionOf(parts, createApi(apiOptions));
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => undefined);
  const work = async () => {
    await Promise.all([subscriptions.follow(SUBSCRIPTIONS), ...FOLLOWED.map((kind) => owned.follow(kind))]);
    // Objects that an earlier operator process made of them may have to be deleted.
    await Promise.all(OPTIONAL_KINDS.map((kind) => owned.has(kind)));
    isSynced = true;
    const { workers } = config;
    await leading.run(election, (signal) => runController({ context, queue, metrics, workers, signal }));
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
  readonly subscriptions: ObjectCache;
  readonly owned: ObjectCache;
}

/** Milliseconds since each watch last received something, by plural. */
function watchAges({ subscriptions, owned }: Caches): ReadonlyMap<string, number> {
  return new Map([...owned.ages(), ...subscriptions.ages()]);
}

/** Queues every resource, and logs watches that are silent. */
function lookAtEverything(caches: Caches, queue: WorkQueue, logger: Logger): void {
  for (const [resource, ms] of watchAges(caches)) if (ms > STALE_MS) logger.error({ resource, ms }, 'a watch is stale');
  for (const subscription of caches.subscriptions.values(SUBSCRIPTIONS)) queue.add(keyOf(subscription));
}

interface ContextParts extends OperatorParts {
  readonly queue: WorkQueue;
  readonly redis: Context['redis'];
  readonly leading: Leading;
  readonly apiOptions: ApiOptions;
}

/** What a pass works with, and the caches whose changes trigger it. */
function makeContext({
  config,
  connection,
  logger,
  timings = {},
  queue,
  redis,
  leading,
  apiOptions,
  ...rest
}: ContextParts) {
  const assertMayWrite = () => leading.assertMayWrite();
  const api = createApi({ ...apiOptions, assertMayWrite });
  const memories = new Memories();
  const namespaces = config.watchNamespaces === 'own' ? [connection.namespace] : config.watchNamespaces;
  const shared = {
    api,
    namespaces,
    logger,
    signal: apiOptions.signal,
    ...(timings.informer !== undefined && { timings: timings.informer }),
    ...(timings.lookAgainMs !== undefined && { lookAgainMs: timings.lookAgainMs }),
  };
  // Subscriptions are watched whatever their labels; owned objects are watched by the operator's label.
  const subscriptions = new ObjectCache({
    ...shared,
    labelSelector: '',
    onChange: (_kind, object) => queue.add(keyOf(object), object.metadata.deletionTimestamp !== undefined),
  });
  const owned = new ObjectCache({
    ...shared,
    labelSelector: Object.entries(MANAGED_BY)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    onChange(kind, object, isGone) {
      const owner = ownerKey(object);
      if (owner === null) return;
      const { namespace = '', name } = object.metadata;
      if (isGone) memories.forgetObject(owner, objectPath(kind, namespace, name));
      queue.add(owner);
    },
  });
  const context: Context = {
    api,
    cache: {
      get: (kind, namespace, name) => (kind === SUBSCRIPTIONS ? subscriptions : owned).get(kind, namespace, name),
      has: (kind) => owned.has(kind),
    },
    secrets: createSecretReader(api, { maxAgeMs: config.resyncMs }),
    redis,
    recordEvent: createEventRecorder({ api, instance: config.identity, logger }),
    settings: { ...config.settings, addressGuard: connection.isInCluster ? 'strict' : 'metadata' },
    policy: config.policy,
    timings: { ...TIMINGS, ...timings.reconcile },
    logger,
    now: rest.now ?? Date.now,
    assertMayWrite,
    memories,
  };
  return { context, subscriptions, owned };
}

function ownerKey({ metadata }: KubeObject): string | null {
  const owner = metadata.ownerReferences?.find((one) => one.controller === true && one.kind === SUBSCRIPTIONS.kind);
  return owner === undefined ? null : `${metadata.namespace ?? ''}/${owner.name}`;
}

function* samplesOf(subscriptions: ObjectCache, now: () => number): IterableIterator<SubscriptionSample> {
  for (const { metadata, status } of subscriptions.values(SUBSCRIPTIONS)) {
    const { name, namespace = '', deletionTimestamp } = metadata;
    const { conditions = [], signing } = (status ?? {}) as SubscriptionStatus;
    yield {
      namespace,
      name,
      conditions,
      deletingMs: deletionTimestamp === undefined ? 0 : Math.max(0, now() - Date.parse(deletionTimestamp)),
      rotationAt: signing?.nextRotationTime === undefined ? null : Date.parse(signing.nextRotationTime),
    };
  }
}
