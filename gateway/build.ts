import { join } from 'node:path';
import { durationMs } from '../protocol/subscription.ts';
import { ConfigurationFault } from '../runtime/lifecycle/configuration-fault.ts';
import type { Logger } from '../runtime/logging/logger.ts';
import { readAdminToken } from './administration/admin-token.ts';
import { buildAdministration } from './administration/build-administration.ts';
import { isStillThere } from './auth/authorise.ts';
import { buildAuth } from './auth/build-auth.ts';
import type { VerifiedToken } from './auth/grant.ts';
import type { GatewayConfig } from './config.ts';
import type { EventLog } from '../event-log/event-log.ts';
import { tracedDestination, type MessagingDestination } from '../event-log/trace/messaging.ts';
import type { Account, Directory } from './directory/directory.ts';
import { DirectoryFault } from './directory/fault.ts';
import { openLiveDirectory, type FollowedDirectory } from './directory/live-directory.ts';
import { buildFanout } from './fanout/build-fanout.ts';
import { buildBacklog } from './group/build-backlog.ts';
import { buildGroups } from './group/build-groups.ts';
import { createAddressOf } from './http/client-address.ts';
import { createInnerApp } from './http/inner-app.ts';
import { openInnerListener } from '../runtime/http/inner-listener.ts';
import { isOriginAllowed } from './http/origin.ts';
import { createPublicApp } from './http/public-app.ts';
import { openPublicListener } from './http/public-listener.ts';
import { refuseOnSocket } from './http/refuse-upgrade.ts';
import { createIngest } from './ingest/ingest.ts';
import { ingestRouter } from './ingest/ingest-route.ts';
import { readIngestToken } from './ingest/ingest-token.ts';
import { createBusinessEvents } from './metrics/business-events.ts';
import { createMetrics } from './metrics/metrics.ts';
import { AccountQuota } from './quota/account-quota.ts';
import { redisPlaces } from './quota/shared-places.ts';
import { buildRevocations } from './revocation/build-revocations.ts';
import { Departure } from './replica/departure.ts';
import { Sessions } from './session/sessions.ts';
import { narrow } from './session/narrow.ts';
import { createUpgrade } from './session/upgrade.ts';
import { openStateFolder } from './state/state-folder.ts';
import { createLogWindow } from '../event-log/log-window.ts';
import { openLog } from './state/open-log.ts';
import { followSubscription } from './subscription/follow-subscription.ts';
import { certificateEnd } from './tls/certificate-end.ts';
import { followCertificate } from './tls/mounted-certificate.ts';
import { selfSigned } from './tls/self-signed.ts';
import { createEventTraces } from './trace/event-traces.ts';
import { traceAppends } from '../event-log/trace/traced-appends.ts';

/** A running gateway. */
export interface Gateway extends AsyncDisposable {
  readonly port: number;
  readonly innerPort: number;
  /** Stops taking connections and closes those that are there, spread over the window. */
  drain(reason: unknown, now: AbortSignal): Promise<void>;
  /** Settles when the reader of the log ends: cleanly after an abort, else with what ended it. */
  readonly ended: Promise<void>;
}

/** Starts a source inside this process, as `source/simulator` does, until `stack` is released. */
export type StartSource = (
  stack: AsyncDisposableStack,
  parts: {
    readonly callsPerSecond: number;
    readonly accounts: () => readonly Account[];
    readonly eventLog: Pick<EventLog, 'append'>;
    readonly onOutcome: (outcome: string, events: number) => void;
    readonly logger: Logger;
  },
) => void;

/** The composition root: makes everything, in order, and releases it in reverse. */
export async function buildGateway(
  atStart: GatewayConfig,
  logger: Logger,
  startSource: StartSource | null = null,
): Promise<Gateway> {
  await using stack = new AsyncDisposableStack();
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  const { subscription, onScopeChange } = await followSubscription({
    path: atStart.subscriptionFile,
    initial: atStart.subscription,
    logger,
    signal: stop.signal,
  });
  const config: GatewayConfig = { ...atStart, subscription };
  const { spec, metadata } = subscription;
  const place = { prefix: spec.redis.keyPrefix, resource: `${metadata.namespace}/${metadata.name}` };

  const state = await openStateFolder(config.stateFolder);
  const directory = stack.use(await openDirectory(config.directoryFile, logger, stop.signal));
  const metrics = stack.use(createMetrics());
  const told = createBusinessEvents(metrics, logger);
  const eventLog = stack.use(await openLog(config, logger, metrics));
  const redis = eventLog.client ?? null;
  const destination: MessagingDestination = {
    destination: `${place.prefix}{p}:events`,
    system: redis === null ? 'firehose' : 'redis',
  };
  const traces = createEventTraces(destination);
  const source = traceAppends(eventLog, tracedDestination(destination));
  const revocations = stack.use(
    await buildRevocations({ redis, place, state, directory, logger, onAsked: told.revoked }),
  );
  const auth = await buildAuth({
    config,
    directory,
    redis,
    keyFile: join(state.path, 'signing-key.json'),
    revocationMark: () => revocations.mark(),
    logger,
    signal: stop.signal,
  });
  let connections = () => 0;
  let certificateEnds: () => number | null = () => null;
  const departure = new Departure(config.revision);
  const groups = await buildGroups(stack, {
    config,
    directory,
    onScopeChange,
    says: () => ({ keys: auth.keyIds, connections: connections(), ...departure.says() }),
    onReplicas: (replicas) => departure.hear(replicas),
    traces,
    metrics,
    logger,
  });
  const { fanout, ended, isReachable } = buildFanout({
    groups,
    eventLog,
    directory,
    spec,
    onScopeChange,
    metrics,
    traces,
    logger,
    signal: stop.signal,
  });
  const window = createLogWindow(eventLog, performance.now.bind(performance));
  const quota = stack.use(
    AccountQuota.start({
      most: spec.gateway.connections.maxPerAccount ?? null,
      shared: redis && redisPlaces(redis, place),
      logger,
    }),
  );
  const mayStay = (token: VerifiedToken) => isStillThere(directory.current, token) && !revocations.isRevoked(token);
  const verifyToken = async (token: string) => {
    const outcome = await auth.verifyToken(token);
    return outcome.kind === 'valid' && !mayStay(outcome.token) ? ({ kind: 'invalid' } as const) : outcome;
  };
  const sessions = stack.use(
    Sessions.start({
      maxSessions: spec.gateway.connections.maxPerReplica,
      now: Date.now,
      onClosed: ({ id, token }, code) => told.sessionClosed({ id, account: token.grant.account }, code),
      common: {
        fanout,
        groups,
        window,
        policy: spec.gateway.connections.slowConsumerPolicy,
        verifyToken,
        mayStay,
        narrow: (grant, filter) => narrow(grant, filter, directory.current, spec),
        onGapTold: told.gapTold,
        onSlowClose: told.slowConsumerClosed,
      },
    }),
  );
  connections = () => sessions.size;
  revocations.endSessionsOf(sessions);
  warnOfAbsent(spec, directory.current, logger);
  stack.defer(
    directory.onChange((current) => {
      warnOfAbsent(spec, current, logger);
      sessions.useDirectory(current);
    }),
  );
  metrics.observe({
    counters: fanout.counters,
    connections: () => sessions.byKind(),
    groups,
    behind: () => fanout.behind,
    backlog: buildBacklog(stack, { redis, place, spec }),
    revocations: () => revocations.size,
    certificateEnds: () => certificateEnds(),
  });

  let draining = false;
  const unexpected = (error: unknown) => logger.error({ err: error }, 'a request met something unexpected');
  const ingestToken = await readIngestToken(config.ingestTokenFile, state);
  const ingest =
    ingestToken === null
      ? null
      : ingestRouter({
          ingest: createIngest({ eventLog: source }),
          token: ingestToken,
          onAnswer: told.ingested,
        });
  const inner = stack.use(
    await openInnerListener({
      host: config.innerHost,
      port: config.innerPort,
      app: createInnerApp({
        checks: () => ({
          revocations: { ok: revocations.isKnown, detail: revocations.isKnown ? 'known' : 'not read yet' },
          log: { ok: isReachable(), detail: isReachable() ? 'reached' : 'out of reach' },
          draining: { ok: !draining, detail: draining ? 'this replica is going away' : 'no' },
        }),
        metrics: (request, response) => metrics.scrape(request, response),
        ingest,
        administration: buildAdministration({
          token: await readAdminToken(config.adminTokenFile, state),
          revocations,
          verifyToken: auth.verifyToken,
          directory: () => directory.current,
          sessions,
          deadLetters: redis && {
            client: redis,
            keyPrefix: place.prefix,
            partitions: spec.stream.partitions,
            resource: place.resource,
          },
          groups: spec.consumerGroups.map(({ name }) => name),
          logger,
        }),
        unexpected,
      }),
    }),
  );
  const addressOf = createAddressOf(spec.gateway.trustedProxies);
  const mounted =
    spec.gateway.tls.disabled || config.tlsFolder === null
      ? null
      : await followCertificate({ folder: config.tlsFolder, logger, signal: stop.signal });
  const tls = spec.gateway.tls.disabled ? null : (mounted?.current ?? (await selfSigned(state, Date.now())));
  certificateEnds = () => certificateEnd(mounted?.current.cert ?? tls?.cert ?? null);
  const listener = stack.use(
    await openPublicListener({
      host: config.host,
      port: config.port,
      tls,
      proxyProtocol: spec.gateway.proxyProtocol,
      trustedProxies: spec.gateway.trustedProxies,
      app: createPublicApp({
        login: (body, client) => told.login(() => auth.login(body, client)),
        jwks: () => auth.jwks,
        addressOf,
        allowedOrigins: spec.gateway.allowedOrigins,
        isTls: tls !== null,
        unexpected,
      }),
      onUpgrade: createUpgrade({
        verifyToken,
        isOriginAllowed: (origin) => isOriginAllowed(origin, spec.gateway.allowedOrigins),
        fanout,
        mayStay,
        isRevocationKnown: () => revocations.isKnown,
        quota,
        addressOf,
        sessions,
        window,
        groups,
        now: Date.now,
        isDraining: () => draining,
        refuse: refuseOnSocket,
        onHandshake: told.handshakeFinished,
      }),
      unexpected,
    }),
  );
  mounted?.onChange((certificate) => listener.setCertificate(certificate));
  if (startSource !== null && config.simulatorRate > 0) {
    startSource(stack, {
      callsPerSecond: config.simulatorRate,
      accounts: () => [...directory.current.accounts.values()],
      eventLog: source,
      onOutcome: (outcome, events) => metrics.ingested('simulator', outcome, events),
      logger,
    });
  }

  const owned = stack.move();
  return {
    port: listener.port,
    innerPort: inner.port,
    ended,
    async drain(reason, now) {
      draining = true;
      const isForGood = reason === 'SIGINT';
      if (!isForGood) await departure.together(now);
      // Other replicas take over the groups while the connections of this one are closed.
      const handedOver = groups.drain(now);
      await sessions.drain({
        windowMs: isForGood ? 0 : durationMs(spec.gateway.connections.drainTimeout),
        name: isForGood ? 'shutdown' : 'rollingRestart',
        reason: isForGood ? 'shutdown' : 'rolling_restart',
        signal: now,
        handedOver: isForGood ? Promise.resolve() : handedOver,
      });
      await handedOver;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** What the resource names and the directory does not hold: nobody can log in to it, or nothing of it is delivered. */
function warnOfAbsent(spec: GatewayConfig['subscription']['spec'], directory: Directory, logger: Logger): void {
  const absent = [spec.account.id, ...spec.filters.accounts].filter((id) => !directory.accounts.has(id));
  if (absent.length > 0)
    logger.warn({ accounts: absent }, 'the subscription names accounts that the directory does not hold');
}

async function openDirectory(path: string, logger: Logger, signal: AbortSignal): Promise<FollowedDirectory> {
  try {
    return await openLiveDirectory({ path, logger, signal });
  } catch (error) {
    if (!(error instanceof DirectoryFault)) throw error;
    throw new ConfigurationFault(
      error.faults.map((fault) => `${path}: ${fault.where}: ${fault.message}`),
      { cause: error },
    );
  }
}
