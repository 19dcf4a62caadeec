import type { Redactor } from './privacy/redactor.ts';
import type { LogWindow } from '../event-log/log-window.ts';
import { createLogWindow } from '../event-log/log-window.ts';
import type { Subscription } from '../protocol/subscription.ts';
import type { Logger } from '../runtime/logging/logger.ts';
import { isStillThere, profilesOf } from './auth/authorise.ts';
import type { VerifiedToken } from './auth/grant.ts';
import type { TokenOutcome } from './auth/token.ts';
import type { GatewayConfig } from './config.ts';
import { directoryReport } from './directory/directory-report.ts';

import type { ExplainRouteOptions } from './administration/explain-route.ts';
import { ExplanationAnswers } from './explain/answer.ts';
import type { Calls } from './calls/calls.ts';
import { openCalls, removeCalls } from './calls/open-calls.ts';
import { buildFanout, type RunningFanout } from './fanout/build-fanout.ts';
import type { Fanout } from './fanout/fanout.ts';
import type { Backlog } from './group/backlog.ts';
import { buildBacklog } from './group/build-backlog.ts';
import { buildGroups } from './group/build-groups.ts';
import type { Groups } from './group/groups.ts';
import { AddressFaults } from './http/address-faults.ts';
import { openSenders, type GatewaySenders } from './open-senders.ts';
import type { GatewayState } from './open-state.ts';
import { connectionLimits, startConnectionQuota, type ConnectionQuota } from './quota/connection-quota.ts';
import { Departure } from './replica/departure.ts';
import { createPresence } from './replica/create-presence.ts';
import type { Presence } from './replica/presence.ts';
import type { Journal } from './journal/journal.ts';
import { noteChanges, openJournal } from './journal/open-journal.ts';
import { narrow } from './session/narrow.ts';
import { seesWhole } from './session/sees-whole.ts';
import type { ClientConnection } from './session/client-connection.ts';
import type { SessionContext } from './session/session-context.ts';
import { Sessions } from './session/sessions.ts';

/** The path of an event from the log to the sockets. */
export interface GatewayPath extends RunningFanout, GatewaySenders {
  readonly groups: Groups;
  /** Undelivered entries of the declared groups, by name. */
  readonly backlog: () => ReadonlyMap<string, Backlog>;
  /** Null with the embedded log: there is one replica. */
  readonly presence: Presence | null;
  /** Null where the resource keeps no table of live calls. */
  readonly calls: Calls | null;
  readonly sessions: Sessions;
  /** Why clients got an event or not. */
  readonly explanations: ExplainRouteOptions['explanations'];
  /** What sessions note, for explanations. */
  readonly journal: Journal;
  readonly window: LogWindow;
  readonly quota: ConnectionQuota;
  readonly departure: Departure;
  /** The present privacy view of a token's client; null: everything. */
  readonly privacyOf: (token: VerifiedToken) => Redactor | null;
  /** Whether events are compressed for clients that offer it. */
  readonly compression: Subscription['spec']['gateway']['connections']['compression'];
  /** Addresses that cause useless work. */
  readonly faults: AddressFaults;
  /** Whether a token that was valid may still be used. */
  readonly mayStay: (token: VerifiedToken) => boolean;
  readonly verifyToken: (token: string) => Promise<TokenOutcome>;
}

export interface PathOptions {
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Signature and time, the present directory, revocations, and whether the privacy view of the token's client is known.
 */
function tokenChecks(state: GatewayState): Pick<GatewayPath, 'mayStay' | 'verifyToken' | 'privacyOf'> {
  const { auth, directory, revocations, profiles } = state;
  const shown = (token: VerifiedToken) => profiles.of(profilesOf(directory.current, token));
  const mayStay = (token: VerifiedToken) =>
    isStillThere(directory.current, token) && !revocations.isRevoked(token) && shown(token) !== undefined;
  return {
    mayStay,
    privacyOf(token) {
      const redactor = shown(token);
      if (redactor === undefined) throw new Error('unreachable: such a token may not stay');
      return redactor;
    },
    async verifyToken(token) {
      const outcome = await auth.verifyToken(token);
      return outcome.kind === 'valid' && !mayStay(outcome.token) ? { kind: 'invalid', reason: 'refused' } : outcome;
    },
  };
}

/** What a grant may see, by the present directory, resource and log. */
function grantChecks({ directory, scope, eventLog }: GatewayState): Pick<SessionContext, 'narrow' | 'seesWhole'> {
  return {
    narrow: (grant, filter) => narrow(grant, filter, directory.current, scope.current),
    seesWhole: (grant) =>
      seesWhole(grant, { directory: directory.current, scope: scope.current, isShared: eventLog.isShared }),
  };
}

function endOfSession(faults: AddressFaults, told: GatewayState['told']) {
  return ({ id, token, address, age, isAtFault }: ClientConnection, code: number) => {
    faults.noteStream(address, { lastedMs: age, isAtFault }, performance.now());
    told.sessionClosed({ id, account: token.grant.account }, code);
  };
}

interface Beating {
  readonly sessions: Sessions;
  readonly groups: Groups;
  readonly departure: Departure;
  readonly fanout: Pick<Fanout, 'position'>;
  readonly keepsCalls: boolean;
}

/** Starts the heartbeats to the other replicas. */
function beat(
  presence: Presence | null,
  { auth, directory }: GatewayState,
  { sessions, groups, departure, fanout, keepsCalls }: Beating,
): void {
  presence?.onReplicas((replicas) => departure.hear(replicas));
  presence?.start(() => ({
    keys: [...auth.keyIds],
    connections: sessions.size,
    groups: groups.connections(),
    hung: groups.hung(),
    ...directoryReport(directory.status),
    ...(keepsCalls && { calls: true }),
    ...(fanout.position !== null && { position: { epoch: fanout.position.epoch, ids: [...fanout.position.ids] } }),
    ...departure.says(),
  }));
}

/** Values that the metrics read at each scrape. */
function observePath(
  { directory, metrics, eventLog, revocations }: GatewayState,
  path: Pick<GatewayPath, 'groups' | 'webhooks' | 'sinks' | 'selfService' | 'sessions' | 'backlog' | 'journal'> & {
    readonly running: RunningFanout;
  },
): void {
  const { running, groups, webhooks, sinks, selfService, sessions, backlog, journal } = path;
  metrics.observe({
    counters: running.fanout.counters,
    connections: () => sessions.byKind(),
    groups,
    webhooks,
    sinks,
    selfService: selfService?.own ?? null,
    behind: () => running.fanout.behind,
    encodings: () => running.fanout.sizes().encodings,
    newest: () => eventLog.newest,
    backlog,
    journal,
    revocations: () => revocations.size,
    directory,
  });
}

/** The sessions and their journal, which follow directory, scope, privacy and revocations. */
function openSessions(
  stack: AsyncDisposableStack,
  config: GatewayConfig,
  state: GatewayState,
  parts: {
    readonly shared: Pick<SessionContext, 'groups' | 'calls' | 'window' | 'verifyToken' | 'mayStay' | 'privacyOf'>;
    readonly running: RunningFanout;
    readonly journal: Journal;
    readonly faults: AddressFaults;
  },
): Sessions {
  const { shared, running, journal, faults } = parts;
  const { directory, scope, privacy, revocations, told } = state;
  const { maxUnreadBytes, maxPerReplica, slowConsumerPolicy } = config.subscription.spec.gateway.connections;
  noteChanges(stack, journal, { directory, scope, position: () => running.fanout.position });
  const sessions = stack.use(
    Sessions.start({
      maxUnreadBytes,
      maxSessions: maxPerReplica,
      now: Date.now,
      onClosed: endOfSession(faults, told),
      common: {
        ...shared,
        fanout: running.fanout,
        policy: slowConsumerPolicy,
        ...grantChecks(state),
        onGap: told.gapReported,
        onSlowClose: told.slowConsumerClosed,
        journal,
      },
    }),
  );
  revocations.endSessionsOf(sessions);
  stack.defer(directory.onChange(() => sessions.judgeAgain()));
  stack.defer(privacy.onChange(() => sessions.judgeAgain()));
  return sessions;
}

function explanationsOf(
  config: GatewayConfig,
  { eventLog, directory, scope, redis, keyspace }: GatewayState,
  {
    journal,
    sessions,
    presence,
    webhooks,
    sinks,
  }: Pick<GatewayPath, 'journal' | 'sessions' | 'presence' | 'webhooks' | 'sinks'>,
): GatewayPath['explanations'] {
  const { consumerGroups, stream } = config.subscription.spec;
  const { partitions } = stream;
  const explainer = {
    eventLog,
    journal,
    directory: () => directory.current,
    scope: () => scope.current,
    sessions,
    replicas: () => presence?.replicas ?? null,
    groups: redis && { client: redis, keyPrefix: keyspace.prefix, partitions, resource: keyspace.resource },
    senders: () => [...(webhooks?.all ?? []), ...(sinks?.all ?? [])],
    now: Date.now,
  };
  const place = { cursors: eventLog.cursors, partitions: eventLog.partitions, groups: consumerGroups };
  return { explainer, answers: new ExplanationAnswers(), place };
}

/** Opens groups, fan-out and sessions on the state of the gateway, and starts reading. Owned by `stack`. */
export async function openPath(
  stack: AsyncDisposableStack,
  config: GatewayConfig,
  state: GatewayState,
  { logger, signal }: PathOptions,
): Promise<GatewayPath> {
  const { keyspace, scope, directory, metrics, eventLog, redis, traces } = state;
  const { spec } = config.subscription;
  const departure = new Departure(config.revision);
  const presence = redis && stack.use(createPresence(redis, { keyspace, logger }));
  const groups = await buildGroups(stack, {
    config,
    directory,
    scope,
    cursors: eventLog.cursors,
    presence,
    traces,
    metrics,
    logger,
  });
  const window = createLogWindow(eventLog, performance.now.bind(performance));
  const kept = { eventLog, window, redis, keyPrefix: keyspace.prefix, presence, directory, scope, metrics };
  const keeping = spec.calls.enabled ? openCalls(stack, { ...kept, spec: spec.calls, logger, signal }) : null;
  if (keeping === null && redis !== null)
    removeCalls(stack, { redis, keyPrefix: keyspace.prefix, partitions: spec.stream.partitions, logger, signal });
  const calls = keeping?.calls ?? null;
  const isTls = !spec.gateway.tls.disabled;
  const opened = { eventLog, directory, scope, metrics, traces, logger, signal };
  const running = buildFanout({ ...opened, calls: keeping, groups, isTls });
  const limits = connectionLimits(spec.gateway.connections);
  const quota = stack.use(startConnectionQuota({ limits, redis, ...keyspace, logger }));
  const shared = { groups, calls, window, ...tokenChecks(state) };
  const faults = new AddressFaults();
  const journal = openJournal(stack, { redis, keyspace, replica: presence?.replica ?? null, logger });
  const sessions = openSessions(stack, config, state, { shared, running, journal, faults });
  const senders = openSenders(stack, config, state, { groups, mayStay: shared.mayStay, logger });
  const { fanout } = running;
  beat(presence, state, { sessions, groups, departure, fanout, keepsCalls: calls !== null });
  const backlog = buildBacklog(stack, { redis, keyspace, spec, logger, metrics });
  observePath(state, { running, journal, groups, ...senders, sessions, backlog });
  const { compression } = spec.gateway.connections;
  const explanations = explanationsOf(config, state, { journal, sessions, presence, ...senders });
  return {
    ...running,
    ...shared,
    journal,
    explanations,
    ...senders,
    presence,
    backlog,
    compression,
    sessions,
    quota,
    departure,
    faults,
  };
}
