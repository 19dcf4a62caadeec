import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from './connection.ts';
import { ApiError, ApiUnavailable, readAnswer, send, type ApiRequest } from './exchange.ts';
import { collectionPath, objectPath, type Kind, type KubeObject } from './objects.ts';
import { rateLimit } from './rate-limit.ts';

const FIELD_MANAGER = 'firehose-operator';

export interface ApiOptions {
  readonly connection: Connection;
  /** Aborting it ends everything. */
  readonly signal: AbortSignal;
  /** Throws when this process must not write: it has lost its lease, or may have. */
  readonly assertMayWrite?: () => void;
  readonly onAnswer?: (method: string, status: number) => void;
  readonly requestsPerSecond?: number;
}

/** One received page of a list. */
interface Page {
  readonly items: readonly KubeObject[];
  readonly resourceVersion: string;
}

/**
 * Raw requests: JSON passes through unchanged. Every call has a time limit, and is repeated where that is safe.
 * More than eight members: one for each verb of the API; a caller takes a `Pick` of the verbs it needs.
 */
export interface KubernetesApi {
  /** Null when there is none. */
  get(kind: Kind, namespace: string, name: string): Promise<KubeObject | null>;
  /** All objects, read in pages of one resource version. Rejects with an ApiError 410 when that version has expired. */
  list(kind: Kind, namespace: string | null, labelSelector: string): Promise<Page>;
  /** The open answer of a watch: lines of JSON. It has no time limit of its own. */
  watch(
    kind: Kind,
    namespace: string | null,
    query: Record<string, string>,
    signal: AbortSignal,
  ): Promise<IncomingMessage>;
  /** Server-side apply with force: for the operator's own objects. */
  apply(kind: Kind, object: KubeObject, how?: { subresource?: 'status'; manager?: string }): Promise<KubeObject>;
  /** JSON merge patch; if it contains a `resourceVersion`, it fails when the object has changed since. */
  merge(kind: Kind, object: KubeObject): Promise<KubeObject>;
  /** Whether the cluster knows this kind. */
  serves(kind: Kind): Promise<boolean>;
  create(kind: Kind, object: KubeObject): Promise<KubeObject>;
  replace(kind: Kind, object: KubeObject): Promise<KubeObject>;
  /** Deletes exactly this object; does nothing when it is gone already. */
  delete(kind: Kind, object: KubeObject): Promise<void>;
}

const TIME_LIMIT_MS = 10_000;
const TRIES = 4;
const PAGE = '500';

export function createApi(options: ApiOptions): KubernetesApi {
  const { signal } = options;
  const limit = rateLimit(options.requestsPerSecond ?? 100, 200);

  const once = async (call: ApiRequest): Promise<unknown> => {
    await limit.turn(signal);
    const assertMaySend = call.method === 'GET' ? undefined : options.assertMayWrite;
    const within = AbortSignal.any([signal, AbortSignal.timeout(TIME_LIMIT_MS)]);
    try {
      const response = await send(options.connection, call, { signal: within, assertMaySend });
      options.onAnswer?.(call.method, response.statusCode ?? 0);
      return await readAnswer(response, within);
    } catch (error) {
      if (error === within.reason && !signal.aborted) throw new ApiUnavailable(`no answer in ${TIME_LIMIT_MS} ms`);
      throw error;
    }
  };
  const call = (request: ApiRequest) => withRetries(() => once(request), request.method !== 'POST', signal);
  const object = async (request: ApiRequest) => (await call(request)) as KubeObject;
  const pathOf = (kind: Kind, { metadata }: KubeObject, subresource?: 'status') =>
    objectPath(kind, metadata.namespace ?? '', metadata.name, subresource);

  return {
    get: (kind, namespace, name) => orNull(object({ method: 'GET', path: objectPath(kind, namespace, name) })),
    list: (kind, namespace, labelSelector) => listAll(call, collectionPath(kind, namespace), labelSelector),
    async watch(kind, namespace, query, watching) {
      const both = AbortSignal.any([signal, watching]);
      const response = await send(
        options.connection,
        { method: 'GET', path: collectionPath(kind, namespace), query },
        { signal: both },
      );
      options.onAnswer?.('WATCH', response.statusCode ?? 0);
      if (response.statusCode !== 200) await readAnswer(response, both);
      return response;
    },
    apply: (kind, body, how = {}) =>
      object({
        method: 'PATCH',
        path: pathOf(kind, body, how.subresource),
        query: { fieldManager: how.manager ?? FIELD_MANAGER, force: 'true' },
        contentType: 'application/apply-patch+yaml',
        body,
      }),
    merge: (kind, body) =>
      object({ method: 'PATCH', path: pathOf(kind, body), contentType: 'application/merge-patch+json', body }),
    async serves({ group, version, plural }) {
      const path = `/apis/${group}/${version}`;
      const found = (await orNull(call({ method: 'GET', path }))) as { resources?: { name: string }[] } | null;
      return found?.resources?.some(({ name }) => name === plural) ?? false;
    },
    create: (kind, body) => object({ method: 'POST', path: collectionPath(kind, body.metadata.namespace ?? ''), body }),
    replace: (kind, body) => object({ method: 'PUT', path: pathOf(kind, body), body }),
    async delete(kind, { metadata }) {
      const { uid, name, namespace = '' } = metadata;
      const body = { propagationPolicy: 'Background', ...(uid !== undefined && { preconditions: { uid } }) };
      await orNull(call({ method: 'DELETE', path: objectPath(kind, namespace, name), body }));
    },
  };
}

async function listAll(call: (request: ApiRequest) => Promise<unknown>, path: string, labelSelector: string) {
  const items: KubeObject[] = [];
  let resourceVersion = '';
  let next = '';
  do {
    const query = {
      limit: PAGE,
      ...(labelSelector !== '' && { labelSelector }),
      ...(next !== '' && { continue: next }),
    };
    const page = (await call({ method: 'GET', path, query })) as {
      metadata: { resourceVersion: string; continue?: string };
      items: KubeObject[];
    };
    items.push(...page.items);
    resourceVersion = page.metadata.resourceVersion;
    next = page.metadata.continue ?? '';
  } while (next !== '');
  return { items, resourceVersion };
}

/** After 429 and 5xx nothing was done, or a repetition has the same effect; this holds for everything but POST. */
async function withRetries(once: () => Promise<unknown>, isRepeatable: boolean, signal: AbortSignal): Promise<unknown> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await once();
    } catch (error) {
      const wait = retryDelay(error, attempt, isRepeatable);
      if (wait === null || attempt >= TRIES || signal.aborted) throw error;
      await delay(wait, undefined, { signal });
    }
  }
}

const MAX_WAIT_MS = 10_000;

function retryDelay(error: unknown, attempt: number, isRepeatable: boolean): number | null {
  const ownMs = 100 * 2 ** attempt * (0.5 + Math.random());
  if (error instanceof ApiUnavailable) return isRepeatable ? ownMs : null;
  if (!(error instanceof ApiError)) return null;
  const isBusy = error.status === 429 || (isRepeatable && error.status >= 500);
  return isBusy ? Math.min(error.retryAfterMs ?? ownMs, MAX_WAIT_MS) : null;
}

async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}
