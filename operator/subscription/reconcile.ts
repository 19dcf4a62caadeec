import type { z } from 'zod';
import { subscriptionSchema, type Subscription } from '../../protocol/subscription.ts';
import { SUBSCRIPTIONS, type Kind, type KubeObject } from '../kubernetes/objects.ts';
import type { Context, Memory } from './context.ts';
import { bare, ensureFinalizer, FINALIZER, finalize, SKIP_ANNOTATION } from './finalize.ts';
import { bad, type Finding } from './findings.ts';
import { pass, step } from './pass.ts';
import { writeStatus } from './status.ts';

/** Annotation on a resource: leave everything as it is while the annotation exists. */
const PAUSE_ANNOTATION = 'firehose.dev/paused';

export interface Outcome {
  readonly requeueAfterMs: number | null;
  readonly why: string;
  /** Of the resource, if it exists. */
  readonly generation?: number | undefined;
}

/**
 * One pass over one resource. It gets only the key and reads everything again: its trigger does not matter. A step that
 * fails sets its condition and stops only the steps that need it. Rejects with unexpected errors, and when the API
 * server is away: then the queue backs off.
 */
export async function reconcile(context: Context, namespace: string, name: string): Promise<Outcome> {
  return reconcileKind(SUBSCRIPTION, context, namespace, name);
}

/** How a kind of resource is reconciled; `reconcileKind` has the common part of all kinds. */
export interface Reconciled<Parsed> {
  readonly kind: Kind;
  /** For the commands in messages. */
  readonly shortName: string;
  readonly schema: z.ZodType<Parsed>;
  /** Whether such a resource leaves nothing in Redis, and needs no finalizer. */
  readonly leavesNothing?: (parsed: Parsed) => boolean;
  readonly finalize: typeof finalize;
  /** The specification cannot be read. */
  readonly tellInvalid: (context: Context, memory: Memory, resource: KubeObject, finding: Finding) => Promise<void>;
  readonly pass: (
    context: Context,
    memory: Memory,
    given: { readonly resource: KubeObject; readonly parsed: Parsed; readonly uid: string },
  ) => Promise<Outcome>;
}

const SUBSCRIPTION: Reconciled<Subscription> = {
  kind: SUBSCRIPTIONS,
  shortName: 'fhs',
  schema: subscriptionSchema,
  finalize,
  tellInvalid: (context, memory, resource, finding) =>
    writeStatus(context, memory, resource, { kind: 'invalid', finding }),
  pass: (context, memory, { resource, parsed, uid }) => pass(context, memory, { resource, subscription: parsed, uid }),
};

export async function reconcileKind<Parsed>(
  of: Reconciled<Parsed>,
  context: Context,
  namespace: string,
  name: string,
): Promise<Outcome> {
  const generation = context.cache.get(of.kind, namespace, name)?.metadata.generation;
  return { ...(await judge(of, context, namespace, name)), generation };
}

async function judge<Parsed>(
  of: Reconciled<Parsed>,
  context: Context,
  namespace: string,
  name: string,
): Promise<Outcome> {
  const key = `${namespace}/${name}`;
  const resource = context.cache.get(of.kind, namespace, name);
  if (resource === undefined) {
    context.memories.forget(key);
    return { requeueAfterMs: null, why: 'gone' };
  }
  const memory = context.memories.of(key);
  if (resource.metadata.annotations?.[PAUSE_ANNOTATION] === 'true') {
    await tellOfPausedDeletion(context, memory, resource, of.shortName);
    return { requeueAfterMs: null, why: 'paused' };
  }
  if (resource.metadata.deletionTimestamp !== undefined) {
    const finalized = await step('finalize', () => of.finalize(context, memory, resource));
    return finalized.done
      ? { requeueAfterMs: null, why: 'let go' }
      : { requeueAfterMs: context.timings.retryMs, why: finalized.why };
  }
  const parsed = of.schema.safeParse(bare(resource));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const message = `spec.${issue?.path.slice(1).join('.') ?? ''}: ${issue?.message ?? 'cannot be read'}`;
    await of.tellInvalid(context, memory, resource, bad('InvalidSpec', message, true));
    return { requeueAfterMs: null, why: 'the specification is not valid' };
  }
  // With the annotation nothing waits for its deletion, not even the operator.
  const isSkipped = of.kind !== SUBSCRIPTIONS && resource.metadata.annotations?.[SKIP_ANNOTATION] === 'true';
  if (!isSkipped && of.leavesNothing?.(parsed.data) !== true) {
    await step('finalizer', () => ensureFinalizer(context, of.kind, resource));
  }
  return of.pass(context, memory, { resource, parsed: parsed.data, uid: resource.metadata.uid ?? '' });
}

/** Nothing else shows why it is not deleted. */
async function tellOfPausedDeletion(
  context: Context,
  memory: Memory,
  resource: KubeObject,
  shortName: string,
): Promise<void> {
  const { name, namespace = '', uid = '', deletionTimestamp, finalizers = [] } = resource.metadata;
  if (deletionTimestamp === undefined || !finalizers.includes(FINALIZER) || memory.pausedDeletion === uid) return;
  memory.pausedDeletion = uid;
  const end = `kubectl annotate ${shortName} -n ${namespace} ${name} ${PAUSE_ANNOTATION}-`;
  const message = `deleting it waits for the end of its pause: ${end}`;
  await context.recordEvent(resource, 'Warning', 'DeletionPaused', message);
}
