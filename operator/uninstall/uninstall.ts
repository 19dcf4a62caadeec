import { setTimeout as delay } from 'node:timers/promises';
import type { KubernetesApi } from '../kubernetes/api.ts';
import { ApiError } from '../kubernetes/exchange.ts';
import { keyOf, SOURCES, SUBSCRIPTIONS, type Kind, type KubeObject } from '../kubernetes/objects.ts';
import { FINALIZER } from '../subscription/finalize.ts';

export interface UninstallOptions {
  readonly api: Pick<KubernetesApi, 'list' | 'delete'>;
  /** Namespaces that the operator watches; null: all. */
  readonly namespaces: readonly string[] | null;
  /** What happens to existing resources. */
  readonly subscriptions: 'Refuse' | 'Delete';
  /** The CustomResourceDefinition is removed as well, and with it resources of other namespaces. */
  readonly crdGoes: boolean;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Everything may be removed, or the obstacles: `namespace/name`. */
export type UninstallOutcome =
  | { readonly kind: 'clear' }
  | { readonly kind: 'refused'; readonly left: readonly string[] }
  | { readonly kind: 'foreign'; readonly left: readonly string[] }
  | { readonly kind: 'unfinished'; readonly left: readonly string[] };

const LOOK_EVERY_MS = 1_000;

/**
 * Checks the resources before their operator is removed. Without it their finalizers would remain, and the resources,
 * their namespace and the CustomResourceDefinition could not be deleted. If wanted, deletes them while the operator
 * still runs, and waits.
 */
export async function uninstall(options: UninstallOptions): Promise<UninstallOutcome> {
  const { api, subscriptions, crdGoes, say, signal } = options;
  const ours = await listAll(options, options.namespaces);
  if (crdGoes && options.namespaces !== null) {
    const keys = new Set(ours.map(nameOf));
    const left = (await listAll(options, null)).map(nameOf).filter((key) => !keys.has(key));
    if (left.length > 0) return { kind: 'foreign', left };
  }
  if (ours.length === 0) return { kind: 'clear' };
  if (subscriptions === 'Refuse') return { kind: 'refused', left: ours.map(nameOf) };
  const deadline = performance.now() + options.timeoutMs;
  for (let left = ours; left.length > 0; left = await listAll(options, options.namespaces)) {
    if (performance.now() > deadline) return { kind: 'unfinished', left: left.map(nameOf) };
    for (const one of left.filter(({ resource }) => resource.metadata.deletionTimestamp === undefined)) {
      say(`deleting ${nameOf(one)}`);
      await api.delete(one.kind, one.resource);
    }
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
  return { kind: 'clear' };
}

interface Found {
  readonly kind: Kind;
  readonly resource: KubeObject;
}

/** Sources without a finalizer are removed with the release: nothing waits for the operator. */
async function listAll(options: UninstallOptions, namespaces: readonly string[] | null): Promise<readonly Found[]> {
  const sources = await listKind(SOURCES, options, namespaces);
  const waiting = sources.filter(({ resource }) => resource.metadata.finalizers?.includes(FINALIZER) === true);
  return [...(await listKind(SUBSCRIPTIONS, options, namespaces)), ...waiting];
}

/** `namespace/name`; for a source also its kind, because a subscription may have the same name. */
function nameOf({ kind, resource }: Found): string {
  return kind === SOURCES ? `FirehoseSource ${keyOf(resource)}` : keyOf(resource);
}

/** Empty when the CustomResourceDefinition is gone already. */
async function listKind(
  kind: Kind,
  { api }: UninstallOptions,
  namespaces: readonly string[] | null,
): Promise<readonly Found[]> {
  try {
    const pages = await Promise.all((namespaces ?? [null]).map((namespace) => api.list(kind, namespace, '')));
    return pages.flatMap(({ items }) => items.map((resource) => ({ kind, resource })));
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return [];
    throw error;
  }
}
