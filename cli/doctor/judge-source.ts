import type { SourceGap } from '../../protocol/source-gap.ts';
import type { SourceReport } from '../../protocol/source-report.ts';
import type { ReplicaReport, SourceLook } from '../../gateway/administration/read-sources.ts';
import { about, type Finding } from '../../protocol/finding.ts';
import { howLong } from './how-long.ts';
import { gapRemedy, switchRemedy } from './switch-remedies.ts';

/** Reports are written every two seconds; clocks may differ. */
const FRESH_MS = 30_000;
const RECENT_MS = 3_600_000;

/**
 * Whether every switch of a source has a listener and a publisher, and since when not. Times are Unix milliseconds.
 * Pure.
 */
export function judgeSource({ name, reports, told, untold }: SourceLook, now: number): Finding[] {
  const gaps = [...judgeGaps(name, told, now), ...untold.map((gap) => judgeUntold(name, gap))];
  const fresh = reports.filter(({ report }) => now - report.at < FRESH_MS);
  const say = about('source', name);
  if (fresh.length === 0) {
    const last = Math.max(...reports.map(({ report }) => report.at));
    const seen =
      reports.length === 0 ? 'no replica reports here' : `no replica has reported for ${howLong(now - last)}`;
    const fix = 'start it, with this Redis and spec.redis.keyPrefix; its name here is <namespace>/<name>';
    return [say.fail(seen, fix), ...gaps];
  }
  const replicas = new Set(fresh.map(({ replica }) => replica)).size;
  const endpoints = Map.groupBy(fresh, ({ endpoint }) => endpoint);
  const seen = `${replicas} replicas report on ${endpoints.size} switches`;
  const alone = 'set spec.replicas to 2 or more: while a single one restarts nobody listens, unless it is Kazoo';
  const judged = [...endpoints].map(([endpoint, of]) => judgeEndpoint(`${name} ${endpoint}`, of));
  return [replicas === 1 ? say.warn('one replica alone reports', alone) : say.ok(seen), ...judged, ...gaps];
}

function judgeEndpoint(subject: string, reports: readonly ReplicaReport[]): Finding {
  const say = about('source.switch', subject);
  const live = reports.filter(({ report }) => report.state === 'Live');
  const others = reports.filter(({ report }) => report.state !== 'Live');
  const leader = reports.find(({ report }) => report.leading);
  if (live.length === 0) {
    const { state, reason, since } = withReason(others);
    return say.fail(
      `nobody listens: ${reason || state} since ${new Date(since).toISOString()}`,
      reason === '' ? 'wait a moment: it is just being connected' : switchRemedy(reason),
    );
  }
  const listening = `${live.length} of ${reports.length} replicas listen`;
  if (leader === undefined) {
    const fix = 'the lease is in this Redis: look for NOPERM in the log of the source, and for what is said of Redis';
    return say.fail(`${listening}, and none publishes`, fix);
  }
  if (live.some(({ report }) => report.bound === false)) {
    return say.warn(`${listening}; not all bindings stand`, switchRemedy(withReason(live).reason || 'NoExchange'));
  }
  if (others.length > 0) {
    const { state, reason } = withReason(others);
    const where = others.map(({ replica }) => replica).join(', ');
    return say.warn(`${listening}; not ${where}: ${reason || state}`, switchRemedy(reason));
  }
  const { reason } = withReason(live);
  if (reason !== '') return say.warn(`${listening}, with a fault: ${reason}`, switchRemedy(reason));
  return say.ok(`${listening}, ${leader.replica} publishes`);
}

/** The report that contains the reason, else any. There is at least one. */
function withReason(reports: readonly ReplicaReport[]): Pick<SourceReport, 'state' | 'reason' | 'since'> {
  const found = reports.find(({ report }) => report.reason !== '') ?? reports[0];
  return found?.report ?? { state: 'Waiting', reason: '', since: 0 };
}

function judgeGaps(name: string, told: readonly SourceGap[], now: number): Finding[] {
  return told
    .filter(({ to }) => now - to < RECENT_MS)
    .map(({ endpoint, reason, from, to, legs_ended }) => {
      const seconds = Math.max(0, Math.round((to - from) / 1_000));
      const until = new Date(to).toISOString();
      return about('source.gap', `${name} ${endpoint}`).warn(
        `in the last hour nobody listened for ${seconds} s, until ${until} (${reason}); ${legs_ended} legs ended`,
        gapRemedy(reason),
      );
    });
}

function judgeUntold(name: string, { endpoint, reason, from }: SourceGap): Finding {
  const seen = `a gap since ${new Date(from).toISOString()} (${reason}) is not in the log yet`;
  return about('source.gap', `${name} ${endpoint}`).warn(
    seen,
    'see what is said of Redis: the source appends it first',
  );
}

/** Shares from which on a value of `/metrics` is a finding. */
const UNATTRIBUTED = 0.01;
const BACKLOG = 0.5;

/** The source's own counts since its start. `exposition` is its `/metrics`. Pure. */
export function judgeSourceMetrics(subject: string, exposition: string): Finding[] {
  const taken = sumOf(exposition, 'firehose_ingest_events_total', 'outcome="accepted"');
  const unattributed = sumOf(exposition, 'firehose_source_unattributed_total');
  const say = about('source.accounts', subject);
  const share = `${unattributed} of ${taken} events had no account`;
  const rules = 'add a rule (accounts.rules) or the variable (accounts.variable): these events reach nobody';
  const backlog = sumOf(exposition, 'firehose_source_backlog_events');
  const limit = sumOf(exposition, 'firehose_source_backlog_limit_events');
  const waits = about('source.backlog', subject);
  const waiting = `${backlog} of ${limit} events that it can hold wait for the log`;
  return [
    taken > 0 && unattributed / taken > UNATTRIBUTED ? say.warn(share, rules) : say.ok(share),
    limit > 0 && backlog / limit > BACKLOG
      ? waits.fail(waiting, 'see what is said of Redis: when it is full, events are lost')
      : waits.ok(waiting),
  ];
}

function sumOf(exposition: string, metric: string, label = ''): number {
  let sum = 0;
  for (const line of exposition.split('\n')) {
    if (!line.startsWith(`${metric}{`) || !line.includes(label)) continue;
    const value = Number(/\} (\S+)/.exec(line)?.[1]);
    if (Number.isFinite(value)) sum += value;
  }
  return sum;
}
