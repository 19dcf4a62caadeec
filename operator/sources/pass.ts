import { createHash } from 'node:crypto';
import { sourceRestartView, type Source } from '../../protocol/source.ts';
import { sourceRefusals } from '../policy/policy.ts';
import { DEPLOYMENTS, type KubeObject } from '../kubernetes/objects.ts';
import { selectorText } from '../resources/rendering.ts';
import { applyObjects, pruneObjects } from '../subscription/apply.ts';
import type { Context, Memory } from '../subscription/context.ts';
import { bad, good, type Finding } from '../subscription/findings.ts';
import { gatewayState, type GatewayState } from '../subscription/gateway-finding.ts';
import { withLastWords } from '../subscription/gateways-step.ts';
import { judge, LEFTOVER, split, stopRefused } from '../subscription/objects-step.ts';
import { LeftByFormer, ObjectOwnedByOther, ownershipOf } from '../subscription/ownership.ts';
import { referencesFinding, step } from '../subscription/pass.ts';
import type { Outcome } from '../subscription/reconcile.ts';
import { connectionOf } from '../subscription/redis-secrets.ts';
import { connectRedis } from '../subscription/redis-step.ts';
import { secretAccess } from '../subscription/secret-access.ts';
import { keepSelfSigned } from '../subscription/secrets-step.ts';
import { judgeTelemetry } from '../subscription/telemetry.ts';
import { mayChangeGateways } from '../subscription/workload.ts';
import { blocksReady, boundFinding, connectedFinding, endpointStatuses, lacks, lastGapOf } from './connectedness.ts';
import { destinationsOf } from './destinations.ts';
import { allSecretNames } from './named-secrets.ts';
import { desiredOfSource, ownedBySource } from './objects.ts';
import { readFacts, type SourceFacts } from './read-reports.ts';
import { resolveSource, type SourceReferences } from './references.ts';
import { listenNames, sourceNames, sourceOwner } from './rendering.ts';
import { statusOf, writeSourceStatus, type SourceFindings } from './status.ts';

interface Subject {
  readonly resource: KubeObject;
  readonly source: Source;
  readonly uid: string;
}

/** Findings of the steps before the objects. */
interface Found {
  readonly policy: Finding;
  readonly references: SourceReferences;
  readonly redis: Finding;
  readonly certificate: Finding;
  readonly telemetry: Finding;
}

/** The steps of a pass over one source, in order. */
export async function passSource(context: Context, memory: Memory, subject: Subject): Promise<Outcome> {
  const { resource, source } = subject;
  const { namespace } = source.metadata;
  const forget = () => context.secrets.forget(namespace, allSecretNames(source.spec));
  if (memory.generation !== resource.metadata.generation) forget();
  const policy = judgePolicy(context, source);
  const references = await step('references', () => resolveSource(source, secretAccess(context, resource)));
  const connected = await step('redis', () =>
    connectRedis(context, memory, { spec: source.spec.redis, secrets: references.redis }),
  );
  const { client } = connected;
  if (references.problems.length > 0 || client === null) forget();
  const facts = client === null ? null : await step('reports', () => readFacts(client, source, context.now()));
  const redis = judgeStreams(source, connected.redis, facts);
  const certificate = await step('certificate', () => certificateStep(context, subject));
  const telemetry = await judgeTelemetry(source.spec);
  const found = { policy, references, redis, certificate, telemetry };
  const objects = await step('objects', () => changeObjects(context, memory, subject, found));
  memory.generation = resource.metadata.generation ?? 0;
  return step('status', () => tell(context, memory, subject, { found, objects, facts }));
}

function judgePolicy({ policy, settings }: Context, source: Source): Finding {
  const refused = sourceRefusals(source, policy, settings.image);
  return refused.length === 0
    ? good('Allowed', 'everything that is asked for is allowed')
    : bad('NotAllowed', refused.join('; '), true);
}

/** Streams with a different number of partitions are not written to. */
function judgeStreams({ spec }: Source, redis: Finding, facts: SourceFacts | null): Finding {
  const there = facts?.partitions ?? null;
  if (there === null || there === spec.stream.partitions) return redis;
  const hint = 'set stream.partitions to theirs, or another redis.keyPrefix, in a new resource';
  return bad(
    'PartitionsMismatch',
    `the streams have ${there} partitions, and not ${spec.stream.partitions}: ${hint}`,
    true,
  );
}

/** The certificate that switches see, if the operator creates it. */
async function certificateStep(context: Context, { resource, source, uid }: Subject): Promise<Finding> {
  const tls = source.spec.asterisk?.listen?.tls;
  const isOurs = tls !== undefined && !tls.disabled && tls.secretName === undefined && tls.issuerRef === undefined;
  if (!isOurs) return good('Given', 'no certificate is made');
  try {
    await keepSelfSigned(context, resource, {
      owner: sourceOwner({ source, uid }),
      secrets: sourceNames(source.metadata.name),
      dnsNames: listenNames(source),
      field: 'spec.asterisk.listen.tls.secretName',
    });
    return good('Managed', 'made and renewed by the operator');
  } catch (error) {
    if (error instanceof LeftByFormer) return bad(LEFTOVER, error.message);
    if (!(error instanceof ObjectOwnedByOther)) throw error;
    return bad('ObjectOwnedByOther', error.message, true);
  }
}

/** The source's Deployment; undefined when there is none, or another resource owns it. */
function ownDeployment({ cache }: Context, { source, uid }: Subject): KubeObject | undefined {
  const { name, namespace } = source.metadata;
  const live = cache.get(DEPLOYMENTS, namespace, sourceNames(name).workload);
  const asking = { kind: 'FirehoseSource', name, uid };
  return live !== undefined && ownershipOf(live, asking) === 'own' ? live : undefined;
}

/**
 * Applies the desired objects. A refused specification changes nothing, except that the source can always be stopped.
 */
async function changeObjects(context: Context, memory: Memory, subject: Subject, found: Found): Promise<Finding> {
  const { resource, source, uid } = subject;
  const { policy, references, certificate, redis, telemetry } = found;
  const live = ownDeployment(context, subject);
  if (policy.status !== 'True') {
    await stopRefused(context, source, live);
    return policy;
  }
  if (certificate.status !== 'True') return certificate;
  const hasWorkload = mayChangeGateways({
    isThere: live !== undefined,
    isSuspended: source.spec.suspend,
    isComplete: references.problems.length === 0 && telemetry.status === 'True',
    isProvisioned: redis.status === 'True',
  });
  const address = references.redis && connectionOf(source.spec.redis, references.redis);
  const connection = address !== null && 'connection' in address ? address.connection : null;
  const destinations = destinationsOf(source.spec, { redis: connection, brokers: references.brokers });
  const rendering = { source, uid, settings: context.settings, restartHash: hashOf(source, references), destinations };
  const wanted = desiredOfSource(rendering, hasWorkload);
  const [served, missing] = await split(context, wanted);
  const failures = await applyObjects(context, memory, served);
  if (hasWorkload) {
    const { name, namespace } = source.metadata;
    const possible = ownedBySource(name).filter(({ kind }) => kind !== DEPLOYMENTS);
    await pruneObjects(context, memory, { resource, namespace, uid }, { possible, desired: wanted });
  }
  return judge(failures, missing);
}

/** Changes with everything that is read only at the start. Endpoints and their Secrets are followed. */
function hashOf({ spec }: Source, { redis, otlpHeaders }: SourceReferences): string {
  const read = [sourceRestartView(spec, 'cluster'), redis, ...(otlpHeaders === null ? [] : [otlpHeaders])];
  return createHash('sha256').update(JSON.stringify(read)).digest('hex').slice(0, 16);
}

async function tell(
  context: Context,
  memory: Memory,
  subject: Subject,
  { found, objects, facts }: { found: Found; objects: Finding; facts: SourceFacts | null },
): Promise<Outcome> {
  const { resource, source } = subject;
  const { name, namespace } = source.metadata;
  const state = gatewayState(ownDeployment(context, subject), 'replica');
  const pods = { namespace, selector: selectorText(name, 'source'), what: 'Source' } as const;
  const workload = { ...state, finding: await withLastWords(context, state, pods) };
  const isStopped = source.spec.suspend || source.spec.replicas === 0;
  const endpoints = isStopped ? [] : endpointStatuses(source.spec, facts, statusOf(resource).endpoints ?? []);
  const findings: SourceFindings = {
    policy: found.policy,
    references: referencesFinding(found.references),
    redis: found.redis,
    telemetry: found.telemetry,
    objects,
    workload: workload.finding,
    connected: connectedFinding(endpoints),
    bound: isStopped ? null : boundFinding(source.spec, facts),
    degraded: degradation(workload, found.redis, lacks(endpoints)),
    blocksReady: blocksReady(endpoints),
    isSuspended: source.spec.suspend,
  };
  const image = source.spec.image ?? context.settings.image;
  const lastGap = lastGapOf(facts?.gaps ?? []);
  await writeSourceStatus(context, memory, resource, {
    source,
    findings,
    workload,
    endpoints: [...endpoints],
    lastGap,
    image,
  });
  return nextLook(context, findings);
}

/** It runs, but Redis or a switch is away. */
function degradation(workload: GatewayState, redis: Finding, missing: Finding | null): Finding | null {
  if (workload.ready === 0) return null;
  return redis.status === 'True' ? missing : { ...redis, status: 'True' };
}

function nextLook({ timings }: Context, findings: SourceFindings): Outcome {
  const { references, redis, objects, workload, connected } = findings;
  if (objects.reason === LEFTOVER) {
    return { requeueAfterMs: timings.leftoverMs, why: 'a former resource is being collected' };
  }
  const isWaiting = [references, redis, objects].some(({ status }) => status !== 'True');
  if (isWaiting) return { requeueAfterMs: timings.retryMs, why: 'something is missing' };
  // Pods are not watched, and a switch reports nothing to the operator.
  const isStarting = workload.status !== 'True' || connected.status !== 'True';
  if (isStarting) return { requeueAfterMs: timings.retryMs, why: 'the source is starting' };
  return { requeueAfterMs: timings.refreshMs, why: 'looked at' };
}
