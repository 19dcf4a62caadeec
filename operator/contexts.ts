import type { Logger } from '../runtime/logging/logger.ts';
import type { OperatorConfig } from './config.ts';
import type { Controlled } from './controller.ts';
import { createApi, type ApiOptions } from './kubernetes/api.ts';
import type { Connection } from './kubernetes/connection.ts';
import { createEventRecorder } from './kubernetes/event-recorder.ts';
import type { InformerTimings } from './kubernetes/informer.ts';
import type { LeaseTimings } from './kubernetes/leader-election.ts';
import { ObjectCache, type ObjectCacheOptions } from './kubernetes/object-cache.ts';
import { keyOf, objectPath, SOURCES, SUBSCRIPTIONS } from './kubernetes/objects.ts';
import { createSecretReader } from './kubernetes/secret-reader.ts';
import type { Backoff, WorkQueue } from './kubernetes/work-queue.ts';
import type { Leading } from './lead.ts';
import { MANAGED_BY } from './resources/rendering.ts';
import { reconcileSource } from './sources/reconcile.ts';
import { Memories, TIMINGS, type Context, type ReconcileTimings } from './subscription/context.ts';
import { reconcile } from './subscription/reconcile.ts';

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

/** The kinds of resources that are reconciled, each with a queue of its own. */
export const CONTROLLED = [
  { kind: 'FirehoseSubscription', reconcile },
  { kind: 'FirehoseSource', reconcile: reconcileSource },
] as const satisfies readonly Controlled[];

type ControlledKind = (typeof CONTROLLED)[number]['kind'];
export type Queues = Readonly<Record<ControlledKind, WorkQueue>>;

/** Undefined for another kind. */
export function queueFor(queues: Queues, kind: string): WorkQueue | undefined {
  return (queues as Readonly<Record<string, WorkQueue>>)[kind];
}

interface ContextParts extends OperatorParts {
  readonly queues: Queues;
  readonly redis: Context['redis'];
  readonly leading: Leading;
  readonly apiOptions: ApiOptions;
}

/** The inputs of a pass, and the caches whose changes trigger it. */
export function makeContexts({
  config,
  connection,
  logger,
  timings = {},
  queues,
  redis,
  leading,
  apiOptions,
  ...rest
}: ContextParts) {
  const assertMayWrite = () => leading.assertMayWrite();
  const api = createApi({ ...apiOptions, assertMayWrite });
  const memories = { FirehoseSubscription: new Memories(), FirehoseSource: new Memories() };
  const namespaces = config.watchNamespaces === 'own' ? [connection.namespace] : config.watchNamespaces;
  const shared = {
    api,
    namespaces,
    logger,
    signal: apiOptions.signal,
    ...(timings.informer !== undefined && { timings: timings.informer }),
    ...(timings.lookAgainMs !== undefined && { lookAgainMs: timings.lookAgainMs }),
  };
  const { resources, owned } = makeCaches(shared, { queues, memories });
  const shown: Omit<Context, 'memories'> = {
    api,
    cache: {
      get: (kind, namespace, name) =>
        (kind === SUBSCRIPTIONS || kind === SOURCES ? resources : owned).get(kind, namespace, name),
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
  };
  const contexts = {
    FirehoseSubscription: { ...shown, memories: memories.FirehoseSubscription },
    FirehoseSource: { ...shown, memories: memories.FirehoseSource },
  } satisfies Record<keyof Queues, Context>;
  return { contexts, resources, owned };
}

function makeCaches(
  shared: Omit<ObjectCacheOptions, 'labelSelector' | 'onChange'>,
  { queues, memories }: { readonly queues: Queues; readonly memories: Readonly<Record<ControlledKind, Memories>> },
) {
  // Resources are watched whatever their labels; owned objects are watched by the operator's label.
  const resources = new ObjectCache({
    ...shared,
    labelSelector: '',
    onChange: ({ kind }, object) =>
      queueFor(queues, kind)?.add(keyOf(object), object.metadata.deletionTimestamp !== undefined),
  });
  const owned = new ObjectCache({
    ...shared,
    labelSelector: Object.entries(MANAGED_BY)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    onChange(kind, object, isGone) {
      const { namespace = '', name } = object.metadata;
      const owner = object.metadata.ownerReferences?.find((one) => one.controller === true);
      const known = CONTROLLED.find((one) => one.kind === owner?.kind)?.kind;
      if (owner === undefined || known === undefined) return;
      const key = `${namespace}/${owner.name}`;
      if (isGone) memories[known].forgetObject(key, objectPath(kind, namespace, name));
      queues[known].add(key);
    },
  });
  return { resources, owned };
}
