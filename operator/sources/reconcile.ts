import { sourceKind, sourceSchema, type Source } from '../../protocol/source.ts';
import { SOURCES } from '../kubernetes/objects.ts';
import type { Context } from '../subscription/context.ts';
import { reconcileKind, type Outcome, type Reconciled } from '../subscription/reconcile.ts';
import { finalizeSource } from './finalize.ts';
import { passSource } from './pass.ts';
import { tellInvalid } from './status.ts';

const SOURCE: Reconciled<Source> = {
  kind: SOURCES,
  shortName: 'fhsrc',
  schema: sourceSchema,
  // A simulation has no keys of its own in Redis.
  leavesNothing: ({ spec }) => sourceKind(spec) === 'simulator',
  finalize: finalizeSource,
  tellInvalid,
  pass: (context, memory, { resource, parsed, uid }) => passSource(context, memory, { resource, source: parsed, uid }),
};

/** One pass over one FirehoseSource. */
export async function reconcileSource(context: Context, namespace: string, name: string): Promise<Outcome> {
  return reconcileKind(SOURCE, context, namespace, name);
}
