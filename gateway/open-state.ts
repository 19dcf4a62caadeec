import { join } from 'node:path';
import type { EventLog } from '../event-log/event-log.ts';
import { tracedDestination, type MessagingDestination } from '../event-log/trace/messaging.ts';
import { traceAppends } from '../event-log/trace/traced-appends.ts';
import type { Live } from '../runtime/lifecycle/live.ts';
import type { Logger } from '../runtime/logging/logger.ts';
import type { RedisClient } from '../runtime/redis/client.ts';
import { buildAuth, openKeys, type Auth } from './auth/build-auth.ts';
import type { KeyRing } from './auth/signing-keys.ts';
import type { GatewayConfig } from './config.ts';
import type { Directory } from './directory/directory.ts';
import type { RefreshedDirectory, RefreshOutcome } from './directory/http/http-directory.ts';
import type { FollowedDirectory } from './directory/live-directory.ts';
import { openDirectory } from './directory/open-directory.ts';
import { createBusinessEvents, type BusinessEvents } from './metrics/business-events.ts';
import { createMetrics, type Metrics } from './metrics/metrics.ts';
import { openProfiles } from './privacy/open-profiles.ts';
import type { Privacy, Profiles } from './privacy/profiles.ts';
import { buildRevocations } from './revocation/build-revocations.ts';
import type { Revocations } from './revocation/revocations.ts';
import { openLog } from './state/open-log.ts';
import { openStateFolder, type StateFolder } from './state/state-folder.ts';
import { followScope } from './subscription/follow-scope.ts';
import type { Scope } from './subscription/scope.ts';
import { createEventTraces, type EventTraces } from './trace/event-traces.ts';

/** A resource's place in Redis. */
interface Keyspace {
  readonly prefix: string;
  /** `<namespace>/<name>`. */
  readonly resource: string;
}

/**
 * Shared state of a gateway: one member for each part that path and edges need, so that they take one value instead of
 * many arguments.
 */
export interface GatewayState {
  readonly keyspace: Keyspace;
  readonly scope: Live<Scope>;
  /** The privacy profiles. */
  readonly privacy: Live<Privacy>;
  readonly profiles: Profiles;
  readonly folder: StateFolder;
  readonly directory: FollowedDirectory;
  /** The directory from a server; null for a file. */
  readonly directoryServer: RefreshedDirectory | null;
  readonly metrics: Metrics;
  readonly told: BusinessEvents;
  readonly eventLog: EventLog;
  /** Appends to the log, with a span for each append. */
  readonly appends: Pick<EventLog, 'append'>;
  /** Null with the embedded log. */
  readonly redis: RedisClient | null;
  readonly traces: EventTraces | null;
  readonly revocations: Revocations;
  readonly auth: Auth;
  /** The signing keys of the resource, which the platform may rotate. */
  readonly keys: KeyRing;
}

/** Opens the state that the gateway's path and edges share. Owned by `stack`. */
export async function openState(
  stack: AsyncDisposableStack,
  config: GatewayConfig,
  { logger, signal }: { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<GatewayState> {
  const { subscription } = config;
  const { spec, metadata } = subscription;
  const keyspace = { prefix: spec.redis.keyPrefix, resource: `${metadata.namespace}/${metadata.name}` };
  const { scope, privacy } = await followScope({
    path: config.subscriptionFile,
    initial: subscription,
    place: config.signingKeysFile === null ? 'standalone' : 'cluster',
    logger,
    signal,
  });
  const folder = await openStateFolder(config.stateFolder);
  const metrics = stack.use(createMetrics());
  const told = createBusinessEvents(metrics, logger);
  const eventLog = stack.use(await openLog(config, logger, metrics));
  const redis = eventLog.client ?? null;
  const ofLog = (text: string) => eventLog.cursors.pseudonym(text);
  const profiles = await openProfiles({ privacy, keysFile: config.pseudonymKeysFile, ofLog, logger, signal });
  const keys = await openKeys(config, join(folder.path, 'signing-key.json'), { logger, signal });
  const onRefresh = (outcome: RefreshOutcome) => metrics.directoryAsked(outcome);
  const opened = await openDirectory({ config, redis, place: keyspace, keys, logger, signal, onRefresh });
  const directory = stack.use(opened.directory);
  const destination: MessagingDestination = {
    destination: `${keyspace.prefix}{p}:events`,
    system: redis === null ? 'firehose' : 'redis',
  };
  const revocations = stack.use(
    await buildRevocations({ redis, place: keyspace, state: folder, directory, logger, onAsked: told.revoked }),
  );
  const revocationMark = () => revocations.mark();
  const onAnswer = metrics.loginAsked;
  const auth = buildAuth({ config, directory, scope, profiles, redis, keys, revocationMark, logger, onAnswer });
  warnOfAbsent(scope.current, directory.current, logger);
  stack.defer(directory.onChange((current) => warnOfAbsent(scope.current, current, logger)));
  const traces = createEventTraces(destination);
  const appends = traceAppends(eventLog, tracedDestination(destination));
  return {
    keyspace,
    scope,
    privacy,
    profiles,
    folder,
    directory,
    directoryServer: opened.server,
    metrics,
    told,
    eventLog,
    appends,
    redis,
    traces,
    revocations,
    auth,
    keys,
  };
}

/**
 * Accounts that the resource names and the directory lacks: no user can log in to them, and none of their events are
 * delivered.
 */
function warnOfAbsent({ account, filters }: Scope, directory: Directory, logger: Logger): void {
  const absent = [account.id, ...filters.accounts].filter((id) => !directory.accounts.has(id));
  if (absent.length > 0)
    logger.warn({ accounts: absent }, 'the subscription names accounts that are not in the directory');
}
