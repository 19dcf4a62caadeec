import type { SourceGap } from '../../protocol/source-gap.ts';
import type { EndpointStatus, SourceStatus } from '../../protocol/source-spec/status.ts';
import { busOf, endpointNames, type SourceSpec } from '../../protocol/source.ts';
import { bad, good, unknown, type Finding } from '../subscription/findings.ts';
import type { EndpointReport, SourceFacts } from './read-reports.ts';

/** Waiting does not help: a person must change something at the switch or in the source. */
const LASTING: ReadonlySet<string> = new Set(['Credentials', 'AccessRefused', 'TLS', 'Protocol', 'QueueArguments']);

const timeOf = (ms: number) => new Date(ms).toISOString().replace(/\.\d+/, '');

/**
 * The endpoints as their best replica reports them; the last known ones while Redis cannot be read. A connection that
 * is retried repeatedly is one state, Waiting, since the time that it was lost. Pure.
 */
export function endpointStatuses(
  spec: SourceSpec,
  facts: SourceFacts | null,
  before: readonly EndpointStatus[],
): readonly EndpointStatus[] {
  return endpointNames(spec).map((name) => {
    const old = before.find((one) => one.name === name);
    if (facts === null) return old ?? { name, state: 'Unknown' };
    const best = facts.reports.filter(({ endpoint }) => endpoint === name).toSorted(better)[0];
    return best === undefined ? { name, state: 'Unknown' } : statusOf(name, best, old);
  });
}

/** Live before not live, the leader before others, the longest first. */
function better(one: EndpointReport, other: EndpointReport): number {
  const rank = ({ state, leading }: EndpointReport) => (state === 'Live' ? 0 : 2) + (leading ? 0 : 1);
  return rank(one) - rank(other) || one.since - other.since || one.replica.localeCompare(other.replica);
}

function statusOf(name: string, best: EndpointReport, old: EndpointStatus | undefined): EndpointStatus {
  const { instance, reason } = best;
  if (best.state === 'Live') {
    const since = { since: timeOf(best.since) };
    return { name, state: 'Live', ...(instance !== '' && { instance }), ...since, ...(reason !== '' && { reason }) };
  }
  const wasWaiting = old?.state === 'Waiting';
  // While it retries it has no reason of its own.
  const why = reason === '' && wasWaiting ? (old.reason ?? '') : reason;
  const since = wasWaiting ? (old.since ?? timeOf(best.since)) : timeOf(best.since);
  return { name, state: 'Waiting', since, ...(why !== '' && { reason: why }) };
}

/** `live/all`, for people; null for a source without endpoints. */
export function connectedText(endpoints: readonly EndpointStatus[]): string | null {
  return endpoints.length === 0
    ? null
    : `${endpoints.filter(({ state }) => state === 'Live').length}/${endpoints.length}`;
}

/** Whether it listens to all switches. */
export function connectedFinding(endpoints: readonly EndpointStatus[]): Finding {
  if (endpoints.length === 0) return good('Simulated', 'the source has no switch');
  if (endpoints.every(({ state }) => state === 'Unknown')) return unknown('NoReport', 'no replica reports yet');
  const away = endpoints.filter(({ state }) => state !== 'Live');
  if (away.length === 0) return good('Connected', `listens to ${connectedText(endpoints)}`);
  const told = away.map(({ name, reason = 'Connecting' }) => `${name}: ${reason}`).join('; ');
  const worst = away.find(({ reason = '' }) => LASTING.has(reason)) ?? away.find(({ reason }) => reason !== undefined);
  return bad(worst?.reason ?? 'Connecting', told);
}

/** Whether the source cannot do its work: it listens to no switch, or has a fault that waiting does not fix. */
export function blocksReady(endpoints: readonly EndpointStatus[]): boolean {
  if (endpoints.length === 0) return false;
  return (
    endpoints.every(({ state }) => state !== 'Live') ||
    endpoints.some(({ state, reason = '' }) => state !== 'Live' && LASTING.has(reason))
  );
}

/** It works, but in a reduced form; null when it is complete. */
export function lacks(endpoints: readonly EndpointStatus[]): Finding | null {
  const away = endpoints.filter(({ state }) => state !== 'Live');
  if (away.length > 0) {
    const { reason, message } = connectedFinding(endpoints);
    return away.length === endpoints.length ? null : { status: 'True', reason, message };
  }
  const poor = endpoints.filter(({ reason }) => reason !== undefined);
  const message = poor.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
  return poor.length === 0 ? null : { status: 'True', reason: poor[0]?.reason ?? '', message };
}

/** Whether all bindings to a bus exist. Null for sources without one. */
export function boundFinding(spec: SourceSpec, facts: SourceFacts | null): Finding | null {
  const bus = busOf(spec);
  if (bus === null) return null;
  if (facts === null) return unknown('NoReport', 'Redis cannot be asked');
  const isBound = (name: string) => facts.reports.some(({ endpoint, bound }) => endpoint === name && bound === true);
  const missing = endpointNames(spec).filter((name) => !isBound(name));
  if (missing.length === 0) return good('Bound', `all bindings to ${bus.exchange} stand`);
  if (facts.reports.length === 0) return unknown('NoReport', 'no replica reports yet');
  return bad('BindingsMissing', `no events come from ${missing.join(', ')}: is the exchange ${bus.exchange} there?`);
}

/** The last interval without a listener. */
export function lastGapOf(gaps: readonly SourceGap[]): SourceStatus['lastGap'] {
  const last = gaps.toSorted((one, other) => other.to - one.to)[0];
  if (last === undefined) return undefined;
  return { endpoint: last.endpoint, reason: last.reason, from: timeOf(last.from), to: timeOf(last.to) };
}
