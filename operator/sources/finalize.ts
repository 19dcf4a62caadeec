import { sourceKeys } from '../../protocol/keys.ts';
import { sourceSchema, type Source } from '../../protocol/source.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { SECRETS, SOURCES, type KubeObject } from '../kubernetes/objects.ts';
import type { Context, Memory } from '../subscription/context.ts';
import { bare, deleteDeployment, finalizeResource, type CleanUp, type Finalized } from '../subscription/finalize.ts';
import { connectionOf, lookUpRedis } from '../subscription/redis-secrets.ts';
import { lookUp } from '../subscription/references.ts';
import { secretAccess } from '../subscription/secret-access.ts';
import { forgetSource, readFacts, sourceName } from './read-reports.ts';
import { sourceNames } from './rendering.ts';
import { statusOf } from './status.ts';

/** How long replicas may take to end. */
const LEAVE_LIMIT_MS = 60_000;

/** Deletes the replicas' shared state in Redis; the streams remain, because they belong to their readers. */
export async function finalizeSource(context: Context, memory: Memory, resource: KubeObject): Promise<Finalized> {
  const parsed = sourceSchema.safeParse(bare(resource));
  const { data } = parsed;
  return finalizeResource(context, memory, {
    kind: SOURCES,
    resource,
    cleanUp: data === undefined ? null : async () => cleanUp(context, memory, { resource, source: data }),
    whatIsLeft: data === undefined ? 'the keys of this source' : whatIsLeft(data),
  });
}

function whatIsLeft(source: Source): string {
  return `the keys ${sourceKeys(source.spec.redis.keyPrefix, sourceName(source)).everything}`;
}

async function cleanUp(
  context: Context,
  memory: Memory,
  { resource, source }: { resource: KubeObject; source: Source },
): Promise<CleanUp> {
  const { name, namespace } = source.metadata;
  await deleteDeployment(context, { namespace, name: sourceNames(name).workload, uid: resource.metadata.uid });
  const access = {
    ...secretAccess(context, resource),
    read: async (secret: string) => context.api.get(SECRETS, namespace, secret),
  };
  const secrets = await lookUpRedis(source.spec.redis, lookUp(namespace, access, []));
  const address = secrets && connectionOf(source.spec.redis, secrets);
  const connection = address && 'connection' in address ? address.connection : memory.redis;
  if (connection === null) return { kind: 'left', why: 'the Secret that says where Redis is, is gone or wrong' };
  const connected = await context.redis.connect(connection);
  if (!connected.ok) {
    const { isFinal, message } = connected;
    return isFinal ? { kind: 'left', why: message } : { kind: 'wait', why: message };
  }
  // A replica that still runs would write the deleted state again.
  const facts = await readFacts(connected.client, source, context.now());
  if (facts === null) return { kind: 'wait', why: 'Redis cannot be used' };
  const running = new Set(facts.reports.map(({ replica }) => replica)).size;
  const since = context.now() - Date.parse(resource.metadata.deletionTimestamp ?? '');
  if (running > 0 && since < LEAVE_LIMIT_MS) return { kind: 'wait', why: `${running} replicas are still going` };
  try {
    context.assertMayWrite();
    const known = (statusOf(resource).endpoints ?? []).map((endpoint) => endpoint.name);
    await forgetSource(connected.client, source, known);
    return { kind: 'cleaned', message: 'the keys of the source were deleted; the streams stay' };
  } catch (error) {
    const code = redisErrorCode(error);
    if (code === 'UNKNOWN') throw error;
    return { kind: 'wait', why: `Redis cannot be used (${code})` };
  }
}
