import { createHash } from 'node:crypto';
import { ApiError } from '../kubernetes/exchange.ts';
import { CONFIG_MAPS, DEPLOYMENTS, objectPath, type Kind, type KubeObject } from '../kubernetes/objects.ts';
import type { Desired } from '../resources/desired.ts';
import type { Context, Memory } from './context.ts';
import { covers } from './covers.ts';
import { assertOwn, LeftByFormer, ObjectOwnedByOther, type Asking } from './ownership.ts';

/**
 * On every applied object: the hash of what was applied. A change of it also removes fields that are no longer wanted.
 */
const APPLIED_ANNOTATION = 'firehose.dev/applied';

/** Why an object could not be applied. */
export interface ApplyFailure {
  readonly kind: Kind;
  readonly what: string;
  readonly error: ApiError | ObjectOwnedByOther | LeftByFormer;
}

/** The object with the hash of its inputs. */
function marked(object: KubeObject): KubeObject & { readonly hash: string } {
  const hash = createHash('sha256').update(JSON.stringify(object)).digest('hex').slice(0, 24);
  const annotations = { ...object.metadata.annotations, [APPLIED_ANNOTATION]: hash };
  const result = { ...object, metadata: { ...object.metadata, annotations } };
  return Object.defineProperty(result, 'hash', { value: hash, enumerable: false }) as typeof result & { hash: string };
}

/**
 * Applies objects that differ. A steady state writes nothing: an object is left alone if it has all wanted fields, or
 * is unchanged since the last apply (where the API server writes a value in another form). Failures of single objects
 * are returned, so that they do not stop others; an unavailable API server rejects.
 */
export async function applyObjects(
  context: Context,
  memory: Memory,
  desired: readonly Desired[],
): Promise<readonly ApplyFailure[]> {
  const failures: ApplyFailure[] = [];
  for (const { kind, object } of desired) {
    // Its pods would mount a ConfigMap of another owner, or one that is being deleted.
    if (kind === DEPLOYMENTS && failures.some((failure) => failure.kind === CONFIG_MAPS)) continue;
    try {
      await applyOne(context, memory, kind, object);
    } catch (error) {
      const isForeseen =
        error instanceof ApiError || error instanceof ObjectOwnedByOther || error instanceof LeftByFormer;
      if (!isForeseen || (error instanceof ApiError && error.status >= 500)) throw error;
      failures.push({ kind, what: `${kind.kind} ${object.metadata.name}`, error });
    }
  }
  return failures;
}

async function applyOne(context: Context, memory: Memory, kind: Kind, object: KubeObject): Promise<void> {
  const { namespace = '', name } = object.metadata;
  const path = objectPath(kind, namespace, name);
  const wanted = marked(object);
  const known = memory.applied.get(path);
  const cached = context.cache.get(kind, namespace, name);
  // Applied a moment ago; the watch has not delivered it yet.
  if (cached === undefined && known?.hash === wanted.hash) return;
  // The watch shows only objects with the operator's label: another object of this name has another owner.
  const live = cached ?? (known === undefined ? await context.api.get(kind, namespace, name) : undefined);
  if (live) {
    assertOwn(live, kind.kind, askingOf(object), 'keep it under another name');
    if (covers(live, wanted)) return;
    const { uid, resourceVersion } = live.metadata;
    const isAsLeft = known?.hash === wanted.hash && known.uid === uid && known.resourceVersion === resourceVersion;
    if (isAsLeft) return;
  }
  const applied = await context.api.apply(kind, wanted);
  const { uid = '', resourceVersion = '' } = applied.metadata;
  memory.applied.set(path, { uid, resourceVersion, hash: wanted.hash });
}

/** The resource that owns the object. */
function askingOf({ metadata }: KubeObject): Asking {
  const [owner] = metadata.ownerReferences ?? [];
  return { kind: owner?.kind ?? '', name: owner?.name ?? '', uid: owner?.uid ?? '' };
}

/** Deletes objects of this resource that are no longer wanted. Names are fixed, so no search is needed. */
export async function pruneObjects(
  context: Context,
  memory: Memory,
  where: { resource: KubeObject; namespace: string; uid: string },
  plan: { possible: readonly { kind: Kind; names: readonly string[] }[]; desired: readonly Desired[] },
): Promise<void> {
  for (const { kind, names } of plan.possible) {
    for (const name of names) {
      const isWanted = plan.desired.some((one) => one.kind === kind && one.object.metadata.name === name);
      const live = context.cache.get(kind, where.namespace, name);
      const isOurs = live?.metadata.ownerReferences?.some(({ uid, controller }) => controller && uid === where.uid);
      if (isWanted || !live || !isOurs || live.metadata.deletionTimestamp !== undefined) continue;
      await context.api.delete(kind, live);
      memory.applied.delete(objectPath(kind, where.namespace, name));
      await context.recordEvent(where.resource, 'Normal', 'Pruned', `${kind.kind} ${name} is not wanted any more`);
    }
  }
}
