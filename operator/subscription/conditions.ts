import type { Condition } from '../../protocol/subscription/status.ts';
import { bad, good, type Finding, type Findings } from './findings.ts';

/**
 * The conditions, as kstatus reads them: `Ready` sums up; `Reconciling` and `Stalled` exist only while true, and one of
 * them whenever Ready is not True, unless it is suspended. Pure.
 */
export function conditionsOf(
  findings: Findings,
  before: readonly Condition[],
  options: { generation: number; now: number },
): Condition[] {
  const { isSuspended, degraded } = findings;
  const ready = summary(findings);
  const isReady = ready.status === 'True';
  const present: [string, Finding | null][] = [
    ['Ready', { ...ready, status: isReady ? 'True' : 'False' }],
    ['ReferencesResolved', findings.references],
    ['RedisConnected', findings.redis],
    ['ConsumerGroupsReady', findings.groups],
    ['SigningKeysReady', findings.keys],
    ['GatewayAvailable', findings.gateway],
    ['EndpointReady', findings.endpoint],
    ['Reconciling', isReady || isSuspended || ready.isFinal === true ? null : { ...ready, status: 'True' }],
    ['Stalled', ready.isFinal === true ? { ...ready, status: 'True' } : null],
    ['Suspended', isSuspended ? good('Suspended', suspension(findings)) : null],
    ['Degraded', degraded],
    ['ClientAddressHidden', findings.clientAddressHidden],
    ['UnknownEventNames', findings.unknownEventNames],
    ['DirectoryStale', findings.directoryStale],
    ['WebhookDisabled', findings.webhookDisabled],
    ['SinkFailing', findings.sinkFailing],
  ];
  return stamped(present, before, options);
}

/** As conditions, without those that have no finding. `lastTransitionTime` changes only with the status. */
export function stamped(
  present: readonly (readonly [type: string, finding: Finding | null])[],
  before: readonly Condition[],
  options: { generation: number; now: number },
): Condition[] {
  const time = new Date(options.now).toISOString().replace(/\.\d+/, '');
  return present.flatMap(([type, finding]) => {
    if (finding === null) return [];
    const { status, reason, message } = finding;
    const old = before.find((condition) => condition.type === type);
    const lastTransitionTime = old?.status === status ? old.lastTransitionTime : time;
    return [{ type, status, observedGeneration: options.generation, lastTransitionTime, reason, message }];
  });
}

/** The first obstacle; one that needs a person comes before a temporary one. */
function summary(findings: Findings): Finding {
  const { policy, references, redis, groups, keys, telemetry, objects, gateway, endpoint, isSuspended } = findings;
  const isScaledToZero = gateway.reason === 'ScaledToZero';
  // Where no gateway is wanted, none is missing behind the endpoint.
  const all = [
    policy,
    references,
    redis,
    groups,
    keys,
    telemetry,
    objects,
    gateway,
    ...(isScaledToZero ? [] : [endpoint]),
  ];
  const final = all.find(({ isFinal }) => isFinal === true);
  if (final !== undefined) return final;
  if (isSuspended) return bad('Suspended', suspension(findings));
  const inTheWay = all.find(({ status }) => status !== 'True');
  return inTheWay ?? good(isScaledToZero ? 'ScaledToZero' : 'Serving', gateway.message);
}

function suspension({ draining }: Findings): string {
  return `spec.suspend is true: ${draining === 0 ? 'no gateway runs' : `gateways that drain still: ${draining}`}`;
}

/** Conditions that exist only while something is wrong. */
const WARNINGS: ReadonlySet<string> = new Set([
  'Stalled',
  'Degraded',
  'ClientAddressHidden',
  'UnknownEventNames',
  'DirectoryStale',
  'WebhookDisabled',
  'SinkFailing',
]);
/** Conditions that get an Event at once, also for a new resource, and again when their reason changes. */
const TOLD_AT_ONCE: ReadonlySet<string> = new Set([
  'ClientAddressHidden',
  'UnknownEventNames',
  'WebhookDisabled',
  'SinkFailing',
]);
/** Reasons that pass by themselves: a start, a rollout, a scale-down, an address that is on its way. */
const PASSING: ReadonlySet<string> = new Set([
  'Progressing',
  'RollingOut',
  'ScalingDown',
  'NotStarted',
  'NoReadyGateway',
  'ServicePending',
  'LoadBalancerPending',
  'LeftByFormerResource',
  'Suspended',
]);

/**
 * The changes that deserve an Event: a condition stopped or began to hold. The first pass over a new resource reports
 * none.
 */
export function transitions(before: readonly Condition[], after: readonly Condition[]): readonly Condition[] {
  return after.filter(({ type, status, reason, message }) => {
    const old = before.find((condition) => condition.type === type);
    if (TOLD_AT_ONCE.has(type)) return old?.message !== message;
    if (type === 'Reconciling' || before.length === 0) return false;
    if (old === undefined) return status === 'True';
    return old.status !== status || (status === 'False' && old.reason !== reason && type !== 'Ready');
  });
}

/** Whether the Event of a transition is a warning: something is wrong, and not temporarily. */
export function isWarning({ type, status, reason }: Condition): boolean {
  if (WARNINGS.has(type)) return status === 'True';
  return status !== 'True' && !PASSING.has(reason);
}
