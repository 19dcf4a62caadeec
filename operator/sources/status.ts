import type { SourceStatus } from '../../protocol/source-spec/status.ts';
import { sourceKind, type Source, type SourceKind } from '../../protocol/source.ts';
import { SOURCES, type KubeObject } from '../kubernetes/objects.ts';
import { selectorText } from '../resources/rendering.ts';
import { stamped } from '../subscription/conditions.ts';
import type { Context, Memory } from '../subscription/context.ts';
import { bad, good, type Finding } from '../subscription/findings.ts';
import type { GatewayState } from '../subscription/gateway-finding.ts';
import { applyStatus } from '../subscription/status.ts';
import { connectedText } from './connectedness.ts';

/** One finding for each step. More than eight members: conditions and summary are computed from all of them. */
export interface SourceFindings {
  readonly policy: Finding;
  readonly references: Finding;
  readonly redis: Finding;
  readonly telemetry: Finding;
  readonly objects: Finding;
  readonly workload: Finding;
  readonly connected: Finding;
  /** Only of a bus. */
  readonly bound: Finding | null;
  readonly degraded: Finding | null;
  /** Whether the finding `connected` keeps it from being Ready. */
  readonly blocksReady: boolean;
  readonly isSuspended: boolean;
}

const TYPES = {
  kazoo: 'Kazoo',
  freeswitch: 'FreeSWITCH',
  asterisk: 'Asterisk',
  simulator: 'Simulator',
} as const satisfies Record<SourceKind, NonNullable<SourceStatus['type']>>;

export interface SourcePass {
  readonly source: Source;
  readonly findings: SourceFindings;
  readonly workload: GatewayState;
  readonly endpoints: NonNullable<SourceStatus['endpoints']>;
  readonly lastGap: SourceStatus['lastGap'];
  readonly image: string;
}

export const statusOf = (resource: KubeObject) => (resource['status'] ?? {}) as SourceStatus;

/** Composes the status and writes it when its meaning has changed. */
export async function writeSourceStatus(
  context: Context,
  memory: Memory,
  resource: KubeObject,
  pass: SourcePass,
): Promise<void> {
  const before = statusOf(resource);
  const generation = resource.metadata.generation ?? 0;
  const { source, workload, endpoints, image } = pass;
  const present = presentConditions(pass.findings);
  const lastGap = pass.lastGap ?? before.lastGap;
  const connected = connectedText(endpoints);
  const next: SourceStatus = {
    observedGeneration: generation,
    conditions: stamped(present, before.conditions ?? [], { generation, now: context.now() }),
    type: TYPES[sourceKind(source.spec)],
    ...(connected !== null && { connected }),
    ...(endpoints.length > 0 && { endpoints }),
    ...(lastGap && { lastGap }),
    replicas: workload.replicas,
    readyReplicas: workload.ready,
    image,
    selector: selectorText(source.metadata.name, 'source'),
  };
  await applyStatus(context, memory, { kind: SOURCES, resource, before, next });
}

/** The specification cannot be read: nothing else was checked. */
export async function tellInvalid(
  context: Context,
  memory: Memory,
  resource: KubeObject,
  finding: Finding,
): Promise<void> {
  const before = statusOf(resource);
  const generation = resource.metadata.generation ?? 0;
  const present = [
    ['Ready', { ...finding, status: 'False' }],
    ['Stalled', { ...finding, status: 'True' }],
  ] as const;
  const conditions = stamped(present, before.conditions ?? [], { generation, now: context.now() });
  const next = { ...before, observedGeneration: generation, conditions };
  await applyStatus(context, memory, { kind: SOURCES, resource, before, next });
}

/** As kstatus reads them, see `../subscription/conditions.ts`. Pure. */
function presentConditions(findings: SourceFindings): readonly (readonly [string, Finding | null])[] {
  const { isSuspended, degraded } = findings;
  const ready = summary(findings);
  const isReady = ready.status === 'True';
  return [
    ['Ready', { ...ready, status: isReady ? 'True' : 'False' }],
    ['ReferencesResolved', findings.references],
    ['RedisConnected', findings.redis],
    ['SourceAvailable', findings.workload],
    ['Connected', findings.connected],
    ['Bound', findings.bound],
    ['Reconciling', isReady || isSuspended || ready.isFinal === true ? null : { ...ready, status: 'True' }],
    ['Stalled', ready.isFinal === true ? { ...ready, status: 'True' } : null],
    ['Suspended', isSuspended ? good('Suspended', SUSPENDED) : null],
    ['Degraded', isSuspended ? null : degraded],
  ];
}

const SUSPENDED = 'spec.suspend is true: nothing is taken from the switches';

/** The first obstacle; one that needs a person comes before a temporary one. */
function summary(findings: SourceFindings): Finding {
  const { policy, references, redis, telemetry, objects, workload, connected, blocksReady, isSuspended } = findings;
  const all = [policy, references, redis, telemetry, objects, workload, ...(blocksReady ? [connected] : [])];
  const final = all.find(({ isFinal }) => isFinal === true);
  if (final !== undefined) return final;
  if (isSuspended) return bad('Suspended', SUSPENDED);
  const inTheWay = all.find(({ status }) => status !== 'True');
  return inTheWay ?? good('Publishing', connected.status === 'True' ? connected.message : workload.message);
}
