import { about, type Finding } from '../../protocol/finding.ts';
import type { Backlog } from '../group/backlog.ts';
import type { ReadinessCheck } from '../http/inner-app.ts';
import type { LiveReplica } from '../replica/presence.ts';
import type { ShownSender } from '../sender/show.ts';
import { membersOf } from './group-members.ts';

/** What a replica knows of itself and of the others. */
export interface HealthLook {
  /** By name, as in `/readyz`. */
  readonly checks: Readonly<Record<string, ReadinessCheck>>;
  /** Connections of this replica, and how many of them are behind. */
  readonly connections: number;
  readonly behind: number;
  /** The replicas that are alive; null with the embedded log: there is one. */
  readonly replicas: readonly LiveReplica[] | null;
  readonly groups: readonly string[];
  /** By the name of the group; without those that could not be read. */
  readonly backlog: ReadonlyMap<string, Backlog>;
  readonly webhooks: readonly LookedSender[];
  readonly sinks: readonly LookedSender[];
}

type LookedSender = Pick<ShownSender, 'group' | 'state' | 'held_back' | 'off' | 'failing_since' | 'failing_cause'>;

/** An event that waits for its acknowledgement longer than all attempts of one event take is stuck. */
const STUCK_MS = 15 * 60_000;

/** What to do about a failing readiness check, by its name. */
const REMEDIES: Readonly<Record<string, string>> = {
  revocations: 'see what the log says of Redis: until they are read no connection is accepted',
  log: 'see what the log says of Redis, and run firehose doctor',
  streams: 'do what is said of the streams',
  directory: 'fix the directory: the last good one stays in force',
  draining: 'wait: this replica ends',
};
const OTHER_REMEDY = 'see the log of this replica';

/** What works, what may cause harm and what does not work, of a running resource. Pure; `now` in Unix milliseconds. */
export function judgeHealth(look: HealthLook, now: number): Finding[] {
  return [
    ...Object.entries(look.checks).map(([name, check]) => judgeCheck(name, check)),
    judgeConnections(look),
    ...(look.replicas ?? []).map((replica) => judgeReplica(replica)),
    ...look.groups.map((group) => judgeGroup(group, look, now)),
    ...look.webhooks.map(judgeWebhook),
    ...look.sinks.map(judgeSink),
  ];
}

function judgeCheck(name: string, { ok, detail }: ReadinessCheck): Finding {
  const say = about(`ready.${name}`);
  return ok ? say.ok(detail) : say.fail(detail, REMEDIES[name] ?? OTHER_REMEDY);
}

function judgeConnections({ connections, behind }: HealthLook): Finding {
  const say = about('connections');
  const seen = `${connections} here, ${behind} of them behind`;
  return behind === 0
    ? say.ok(seen)
    : say.warn(seen, 'see which ones by firehose connections: their clients or networks are too slow');
}

function judgeReplica({ replica, heartbeat }: LiveReplica): Finding {
  const say = about('replica', replica);
  const seen = `${heartbeat.connections} connections`;
  const hung = Object.values(heartbeat.hung ?? {}).reduce((sum, one) => sum + one, 0);
  const fault = heartbeat.directory?.fault ?? null;
  if (fault !== null) return say.warn(`${seen}; its directory is not the latest (${fault})`, 'see its log');
  if (hung > 0) {
    return say.warn(
      `${seen}; ${hung} connections of groups acknowledge nothing`,
      'see firehose groups, and restart these clients',
    );
  }
  return say.ok(heartbeat.leaving ? `${seen}; it is leaving` : seen);
}

function judgeGroup(group: string, look: HealthLook, now: number): Finding {
  const say = about('group', group);
  const backlog = look.backlog.get(group);
  if (backlog === undefined)
    return say.ok('its backlog is not known: groups are in Redis, and are read every ten seconds');
  const { lag, pending, oldestPendingAt } = backlog;
  if (lag === null) return say.ok('no connection has used it yet');
  if (lag + pending > 0 && isAlone(group, look)) {
    return say.warn(`${lag + pending} events wait, and nobody consumes it`, 'connect a consumer of this group');
  }
  if (oldestPendingAt === null) return say.ok(`${lag} events wait, none is unacknowledged`);
  const seen = `${lag} events wait, the oldest unacknowledged one came at ${new Date(oldestPendingAt).toISOString()}`;
  return now - oldestPendingAt < STUCK_MS
    ? say.ok(seen)
    : say.warn(seen, 'see firehose groups and firehose dead-letters list: its clients acknowledge too little');
}

/** Whether neither a connection nor a webhook or sink consumes it. A replica that knows none, not even itself, cannot say. */
function isAlone(group: string, { replicas, webhooks, sinks }: HealthLook): boolean {
  const known = replicas ?? [];
  const isSent = [...webhooks, ...sinks].some((sender) => sender.group === group);
  return known.length > 0 && !isSent && membersOf(group, known).length === 0;
}

function judgeWebhook({ group, state, held_back, off, failing_since }: LookedSender): Finding {
  const say = about('webhook', group);
  if (off !== null) {
    return say.fail(
      `off since ${off.since} (${off.reason})`,
      'fix the receiver, then POST .../admin/webhooks/<group>/enable',
    );
  }
  if (held_back !== null) return say.fail(`held back (${held_back})`, 'see docs/webhooks.md');
  if (failing_since !== null) return say.warn(`${state}, failing since ${failing_since}`, 'look at its receiver');
  return say.ok(state);
}

function judgeSink({ group, state, held_back, failing_since, failing_cause }: LookedSender): Finding {
  const say = about('sink', group);
  if (held_back !== null) return say.fail(`held back (${held_back})`, 'see docs/sinks.md');
  if (failing_since === null) return say.ok(state);
  return say.warn(`${state}, failing since ${failing_since} (${failing_cause ?? 'UNKNOWN'})`, 'see docs/sinks.md');
}
