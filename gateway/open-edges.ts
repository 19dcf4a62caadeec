import type { Logger } from '../runtime/logging/logger.ts';
import { aheadRemedy, aheadText, streamsAhead } from '../event-log/streams-ahead.ts';
import { streamKeys } from '../protocol/keys.ts';
import { openInnerListener } from '../runtime/http/inner-listener.ts';
import { readAdminToken } from './administration/admin-token.ts';
import { buildAdministration } from './administration/build-administration.ts';
import type { HealthLook } from './administration/judge-health.ts';
import { callsHandler } from './calls/calls-route.ts';
import { reconcileRouter } from './calls/reconcile-route.ts';
import type { GatewayConfig } from './config.ts';
import { readCredentials } from './directory/http/configuration.ts';
import { refreshRouter } from './directory/http/refresh-route.ts';
import { directoryDetail } from './directory/directory-report.ts';
import { ownExplainHandler } from './explain/own-route.ts';
import { createCounters } from './auth/limits/counters.ts';
import { consoleRouter, warmConsole } from './console/console-router.ts';
import type { Side } from './console/shell.ts';
import { AddressAllowance } from './http/address-allowance.ts';
import { createAddressOf, type AddressOf } from './http/client-address.ts';
import { connectionLimit } from './http/connection-limit.ts';
import { createInnerApp, type ReadinessCheck } from './http/inner-app.ts';
import { isOriginAllowed } from './http/origin.ts';
import { createPublicApp } from './http/public-app.ts';
import { referenceRouter } from './http/reference-route.ts';
import { openPublicListener } from './http/public-listener.ts';
import { refuseOnSocket } from './http/refuse-upgrade.ts';
import type { Routes } from './http/request-router.ts';
import { createIngest } from './ingest/ingest.ts';
import { ingestRouter } from './ingest/ingest-route.ts';
import { createAccountJudge } from './ingest/judge-account.ts';
import { readIngestToken } from './ingest/ingest-token.ts';
import { VERSION } from '../runtime/version.ts';
import type { GatewayPath } from './open-path.ts';
import type { GatewayState } from './open-state.ts';
import { narrow } from './session/narrow.ts';
import { ownWebhookRouter } from './self-service/own-webhook-route.ts';
import { createEventAnswers } from './session/event-answers.ts';
import { createOpenEvents } from './session/open-events.ts';
import { createUpgrade } from './session/upgrade.ts';
import { cloudEventSource } from '../protocol/cloud-event.ts';
import { EVENTS_PATH } from '../protocol/paths.ts';
import { certificateEnd } from './tls/certificate-end.ts';
import { followCertificate } from '../runtime/certificates/mounted-certificate.ts';
import { selfSigned } from './tls/self-signed.ts';

export interface EdgeOptions {
  readonly isDraining: () => boolean;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** The two listeners of a gateway. */
export interface GatewayEdges {
  readonly port: number;
  readonly innerPort: number;
}

/** Opens the inner listener and then the public one. Owned by `stack`. */
export async function openEdges(
  stack: AsyncDisposableStack,
  config: GatewayConfig,
  parts: { readonly state: GatewayState; readonly path: GatewayPath },
  options: EdgeOptions,
): Promise<GatewayEdges> {
  const innerPort = await openInner(stack, config, parts, options);
  const port = await openPublic(stack, config, parts, options);
  if (config.subscription.spec.gateway.console.enabled) void warmConsole(options.logger);
  return { port, innerPort };
}

type Parts = Parameters<typeof openEdges>[2];

const unexpected = (logger: Logger) => (error: unknown) =>
  logger.error({ err: error }, 'unexpected error while handling a request');

/** Health, metrics, ingest and administration, for the platform. */
async function openInner(
  stack: AsyncDisposableStack,
  config: GatewayConfig,
  { state, path }: Parts,
  { isDraining, logger }: EdgeOptions,
): Promise<number> {
  const { metrics, folder, told } = state;
  const checks = () => readinessOf({ state, path }, isDraining());
  const ingestToken = await readIngestToken(config.ingestTokenFile, folder);
  const judgeAccount = createAccountJudge({ ...state, isShared: () => state.eventLog.isShared });
  const ingest =
    ingestToken === null
      ? null
      : ingestRouter({
          ingest: createIngest({
            eventLog: state.appends,
            judgeAccount,
          }),
          token: ingestToken,
          onAnswer: told.ingested,
        });
  const listener = await openInnerListener({
    host: config.innerHost,
    logger,
    port: config.innerPort,
    app: createInnerApp({
      checks,
      metrics: (request, response) => metrics.scrape(request, response),
      ingest,
      reconcile:
        ingestToken === null
          ? null
          : reconcileRouter({
              calls: path.calls,
              token: ingestToken,
              mayEnd: (account) => judgeAccount(account) !== 'not_offered',
              now: Date.now,
            }),
      directory: await openRefresh(config, state),
      administration: await openAdministration(config, { state, path }, { checks, logger }),
      console: openConsole(config, 'inner'),
      unexpected: unexpected(logger),
    }),
  });
  return stack.use(listener).port;
}

/** Conditions for this replica to get traffic. */
function readinessOf({ state, path }: Parts, isDraining: boolean): Readonly<Record<string, ReadinessCheck>> {
  const { revocations, eventLog, keyspace, directory } = state;
  return {
    revocations: { ok: revocations.isKnown, detail: revocations.isKnown ? 'known' : 'not read yet' },
    log: { ok: path.isReachable(), detail: path.isReachable() ? 'reached' : 'out of reach' },
    streams: checkStreams(eventLog.newest, keyspace.prefix),
    directory: { ok: true, detail: directoryDetail(directory.status) },
    draining: { ok: !isDraining, detail: isDraining ? 'this replica is going away' : 'no' },
  };
}

/** Null where the resource turns it off. */
function openConsole({ subscription }: GatewayConfig, side: Side) {
  return subscription.spec.gateway.console.enabled ? consoleRouter(side) : null;
}

/** A partition that accepts no event is a fault; one whose ids are in the future is named. */
function checkStreams(newest: readonly string[], prefix: string): ReadinessCheck {
  const ahead = streamsAhead(newest, Date.now());
  const told = ahead.map((one) => `${aheadText(one)}: ${aheadRemedy(one, streamKeys(prefix, one.partition).events)}`);
  return {
    ok: !ahead.some(({ isExhausted }) => isExhausted),
    detail: told.length === 0 ? 'in order' : told.join('; '),
  };
}

/** Null where the directory is a file. Its server may call this with the token that the gateway uses to poll it. */
async function openRefresh(config: GatewayConfig, { directoryServer, folder }: GatewayState) {
  const { directoryServer: server } = config;
  if (directoryServer === null || server === null) return null;
  const admin = await readAdminToken(config.adminTokenFile, folder);
  return refreshRouter({
    refresh: () => directoryServer.refresh(),
    tokens: async () => {
      const { token } = await readCredentials({ tokenFile: server.tokenFile, caFile: null }).catch(() => ({
        token: null,
      }));
      return token === null ? [admin] : [admin, token];
    },
  });
}

async function openAdministration(
  config: GatewayConfig,
  { state, path }: Parts,
  { checks, logger }: { readonly checks: () => HealthLook['checks']; readonly logger: Logger },
) {
  const { spec } = config.subscription;
  const { redis, keyspace } = state;
  return buildAdministration({
    token: await readAdminToken(config.adminTokenFile, state.folder),
    revocations: state.revocations,
    verifyToken: state.auth.verifyToken,
    lockouts: state.auth.lockouts,
    directory: () => state.directory.current,
    hasOtherUsers: spec.auth.login.some((method) => method !== 'Directory'),
    sessions: path.sessions,
    deadLetters: redis && {
      client: redis,
      keyPrefix: keyspace.prefix,
      partitions: spec.stream.partitions,
      resource: keyspace.resource,
    },
    groups: spec.consumerGroups,
    backlog: path.backlog,
    replicas: () => path.presence?.replicas ?? [],
    webhooks: {
      get all() {
        return [...(path.webhooks?.all ?? []), ...(path.selfService?.own.all ?? [])];
      },
    },
    sinks: path.sinks,
    ownWebhooks: path.selfService?.administration ?? null,
    ownGroup: (name) => path.selfService?.own.groupOf(name) ?? null,
    explanations: path.explanations,
    directoryStatus: () => state.directory.status,
    sources: redis && { client: redis, keyPrefix: keyspace.prefix },
    health: () => ({
      checks: checks(),
      connections: path.sessions.size,
      behind: path.fanout.behind,
      replicas: path.presence === null ? null : (path.presence.replicas ?? []),
      groups: redis === null ? [] : spec.consumerGroups.map(({ name }) => name),
      backlog: path.backlog(),
      webhooks: (path.webhooks?.all ?? []).map((webhook) => webhook.shown()),
      sinks: (path.sinks?.all ?? []).map((sink) => sink.shown()),
    }),
    window: path.window,
    logger,
  });
}

/** The route of the live calls. */
function liveCalls({ state, path }: Parts): ReturnType<typeof callsHandler> {
  const { revocations, directory, scope, eventLog } = state;
  return callsHandler({
    calls: path.calls,
    mayStay: path.mayStay,
    privacyOf: path.privacyOf,
    verifyToken: path.verifyToken,
    isRevocationKnown: () => revocations.isKnown,
    narrow: (grant, account) => narrow(grant, { accounts: [account], events: null }, directory.current, scope.current),
    cursors: eventLog.cursors,
  });
}

/** Explanations of a login about itself. */
function ownExplain({ state, path }: Parts): ReturnType<typeof ownExplainHandler> {
  return ownExplainHandler({
    ...path,
    ...path.explanations,
    ...path.explanations.place,
    questions: createCounters({ redis: state.redis, ...state.keyspace })('explain'),
    isRevocationKnown: () => state.revocations.isKnown,
  });
}

/** The webhooks of logins. */
function ownWebhooks({ state, path }: Parts, allowedOrigins: readonly string[]) {
  if (path.selfService === null) return ownWebhookRouter(null, allowedOrigins);
  const counter = createCounters({ redis: state.redis, ...state.keyspace });
  return ownWebhookRouter(
    {
      ...path.selfService,
      requests: {
        read: counter('webhook-reads'),
        change: counter('webhook-changes'),
        test: counter('webhook-tests'),
      },
      verifyToken: path.verifyToken,
      mayStay: path.mayStay,
      isRevocationKnown: () => state.revocations.isKnown,
    },
    allowedOrigins,
  );
}

interface StreamOptions {
  readonly allowedOrigins: readonly string[];
  readonly isTls: boolean;
  readonly addressOf: AddressOf;
  readonly isDraining: () => boolean;
}

/** The stream in both of its framings: both use the same decisions. */
function streams({ state, path }: Parts, options: StreamOptions): Pick<Routes, 'onUpgrade' | 'events'> {
  const { allowedOrigins, isTls, addressOf, isDraining } = options;
  const answers = createEventAnswers({ allowedOrigins, isTls });
  const admission = {
    ...path,
    source: cloudEventSource(state.keyspace.resource),
    isOriginAllowed: (origin: string) => isOriginAllowed(origin, allowedOrigins),
    isRevocationKnown: () => state.revocations.isKnown,
    addressOf,
    now: Date.now,
    isDraining,
    onHandshake: state.told.handshakeFinished,
  };
  return {
    onUpgrade: createUpgrade({ ...admission, refuse: refuseOnSocket }),
    events: {
      isMeant: ({ method, url }) => method === 'GET' && url?.split('?', 1)[0] === EVENTS_PATH,
      open: createOpenEvents({ ...admission, answers }),
      refuse: answers.refuse,
    },
  };
}

/** Login and streams, for clients. */
async function openPublic(
  stack: AsyncDisposableStack,
  config: GatewayConfig,
  { state, path }: Parts,
  { isDraining, logger, signal }: EdgeOptions,
): Promise<number> {
  const { gateway } = config.subscription.spec;
  const { auth, told } = state;
  const addressOf = createAddressOf(gateway.trustedProxies, (peer) =>
    told.connectionMismatched('forwarded_unreadable', peer),
  );
  const certificate = await openCertificate(config, state, { logger, signal });
  const { allowedOrigins } = gateway;
  const isTls = certificate.tls !== null;
  const listener = stack.use(
    await openPublicListener({
      host: config.host,
      logger,
      port: config.port,
      tls: certificate.tls,
      proxyProtocol: gateway.proxyProtocol,
      trustedProxies: gateway.trustedProxies,
      maxConnections: connectionLimit(gateway.connections.maxPerReplica, logger),
      allowance: new AddressAllowance(gateway.addressLimit),
      faults: path.faults,
      routes: {
        addressOf,
        app: createPublicApp({
          login: (body, client) => told.login(client.address, () => auth.login(body, client)),
          calls: liveCalls({ state, path }),
          explain: ownExplain({ state, path }),
          webhooks: ownWebhooks({ state, path }, allowedOrigins),
          jwks: () => auth.jwks,
          reference: referenceRouter(() => ({
            version: VERSION,
            additionalEvents: state.scope.current.filters.additionalEvents,
          })),
          console: openConsole(config, 'public'),
          addressOf,
          allowedOrigins,
          isTls,
          unexpected: unexpected(logger),
        }),
        ...streams({ state, path }, { allowedOrigins, isTls, addressOf, isDraining }),
      },
      events: {
        onAnswer: told.requestAnswered,
        onMismatch: told.connectionMismatched,
        onDropped: told.connectionDropped,
        unexpected: unexpected(logger),
      },
    }),
  );
  certificate.mounted?.onChange((renewed) => listener.setCertificate(renewed));
  return listener.port;
}

/** The mounted certificate, which is followed, or the self-signed one; none where TLS is off. */
async function openCertificate(
  config: GatewayConfig,
  { folder, metrics }: GatewayState,
  { logger, signal }: { readonly logger: Logger; readonly signal: AbortSignal },
) {
  if (config.subscription.spec.gateway.tls.disabled) return { tls: null, mounted: null };
  const mounted =
    config.tlsFolder === null ? null : await followCertificate({ folder: config.tlsFolder, logger, signal });
  const tls = mounted?.current ?? (await selfSigned(folder, Date.now()));
  metrics.observeCertificate(() => certificateEnd(mounted?.current.cert ?? tls.cert));
  return { tls, mounted };
}
