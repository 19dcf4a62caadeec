import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { KubernetesApi } from './api.ts';
import { ApiError } from './exchange.ts';
import { keyOf, type Kind, type KubeObject } from './objects.ts';
import { watchEvents } from './watch-events.ts';

export interface InformerOptions {
  readonly api: Pick<KubernetesApi, 'list' | 'watch'>;
  readonly kind: Kind;
  /** Null: the whole cluster. */
  readonly namespace: string | null;
  readonly labelSelector?: string;
  /**
   * Called for each object that was added, changed or deleted (with its last known state). An exception is logged and
   * ends nothing.
   */
  readonly onChange: (object: KubeObject, isGone: boolean) => void;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly timings?: Partial<InformerTimings>;
}

export interface InformerTimings {
  /** The server ends a watch after this many seconds, or up to twice as many. */
  readonly watchSeconds: number;
  /** A watch without a byte for this long is abandoned; bookmarks come every minute. */
  readonly silenceMs: number;
  readonly maxBackoffMs: number;
}

const TIMINGS: InformerTimings = { watchSeconds: 240, silenceMs: 150_000, maxBackoffMs: 30_000 };

/** The present objects, kept by list and watch for the lifetime of the process. */
export interface Informer {
  /** Settles after the first list. */
  readonly synced: Promise<void>;
  get(namespace: string, name: string): KubeObject | undefined;
  values(): IterableIterator<KubeObject>;
  /** Milliseconds since the server last sent something; a rising value is an alarm. */
  readonly ageMs: number;
}

interface Supervised extends InformerOptions {
  readonly store: Map<string, KubeObject>;
  readonly heard: () => void;
  readonly onSynced: () => void;
}

/** Starts one. It never ends by itself: after any failure it lists or watches again, after a pause. */
export function startInformer(options: InformerOptions): Informer {
  const store = new Map<string, KubeObject>();
  const synced = Promise.withResolvers<void>();
  let heardAt = performance.now();
  void supervise({
    ...options,
    store,
    heard: () => (heardAt = performance.now()),
    onSynced: synced.resolve,
  });
  return {
    synced: synced.promise,
    get: (namespace, name) => store.get(`${namespace}/${name}`),
    values: () => store.values(),
    get ageMs() {
      return performance.now() - heardAt;
    },
  };
}

async function supervise(options: Supervised): Promise<void> {
  const { signal, logger, kind } = options;
  const { maxBackoffMs } = { ...TIMINGS, ...options.timings };
  let version: string | null = null;
  let failures = 0;
  while (!signal.aborted) {
    try {
      version ??= await list(options);
      version = await follow(options, version, (seen) => {
        version = seen;
        failures = 0;
      });
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      // Gone or Expired: the missed changes can no longer be requested.
      const mustList = error instanceof ApiError && (error.status === 410 || error.status === 404);
      if (mustList) version = null;
      logger.warn(
        { kind: kind.plural, failures, reason: (error as Error).message },
        'a watch failed; trying again after a pause',
      );
      const ceiling = Math.min(100 * 2 ** Math.min(failures, 12), maxBackoffMs);
      await delay(ceiling * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Replaces the cache by the list, and reports the differences. Returns the resource version of the list. */
async function list(options: Supervised): Promise<string> {
  const { items, resourceVersion } = await options.api.list(
    options.kind,
    options.namespace,
    options.labelSelector ?? '',
  );
  options.heard();
  const there = new Map(items.map((item) => [keyOf(item), item]));
  for (const [key, known] of options.store) if (!there.has(key)) take(options, 'DELETED', known);
  for (const item of there.values()) take(options, 'ADDED', item);
  options.onSynced();
  return resourceVersion;
}

/** Follows one watch to its end. Returns the resource version from which the next one continues. */
async function follow(options: Supervised, from: string, onVersion: (version: string) => void): Promise<string> {
  const { watchSeconds, silenceMs } = { ...TIMINGS, ...options.timings };
  const query = {
    watch: '1',
    allowWatchBookmarks: 'true',
    resourceVersion: from,
    timeoutSeconds: String(Math.ceil(watchSeconds * (1 + Math.random()))),
    ...(options.labelSelector !== undefined && { labelSelector: options.labelSelector }),
  };
  // A server that accepts the request and never answers is silent, too.
  const opening = new AbortController();
  const timer = setTimeout(() => opening.abort(new Error('a watch was not answered')), silenceMs);
  const response = await options.api
    .watch(options.kind, options.namespace, query, opening.signal)
    .finally(() => clearTimeout(timer));
  let version = from;
  for await (const { type, object } of watchEvents(response, silenceMs)) {
    options.heard();
    version = object.metadata.resourceVersion ?? version;
    onVersion(version);
    if (type !== 'BOOKMARK') take(options, type, object);
  }
  return version;
}

function take(options: Supervised, type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject): void {
  const key = keyOf(object);
  const known = options.store.get(key);
  const isSame =
    known?.metadata.uid === object.metadata.uid && known?.metadata.resourceVersion === object.metadata.resourceVersion;
  if (type === 'DELETED') options.store.delete(key);
  else if (isSame) return;
  else options.store.set(key, slim(object));
  try {
    options.onChange(object, type === 'DELETED');
  } catch (error) {
    options.logger.error({ err: error, kind: options.kind.plural, key }, 'unexpected error while handling a change');
  }
}

/** Without the managed fields, which are half of an object. */
function slim(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
