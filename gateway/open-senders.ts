import { dirname, join } from 'node:path';
import { cloudEventSource } from '../protocol/cloud-event.ts';
import { durationMs } from '../protocol/subscription.ts';
import { NATS_FOLDER } from '../protocol/nats-files.ts';
import { WEBHOOKS_FOLDER } from '../protocol/webhook-files.ts';
import type { GatewayConfig } from './config.ts';
import { createNatsSinks } from './nats/nats-sinks.ts';
import type { GatewayState } from './open-state.ts';
import { startSelfService, type SelfService, type SelfServiceParts } from './self-service/start-self-service.ts';
import { startSenders, type Senders } from './sender/start-senders.ts';
import { createWebhooks } from './webhook/webhooks.ts';

/** What sends the events of groups elsewhere; null with the embedded log. */
export interface GatewaySenders {
  readonly webhooks: Senders | null;
  /** NATS sinks. */
  readonly sinks: Senders | null;
  /** The webhooks of logins; null where the resource has none. */
  readonly selfService: SelfService | null;
}

/** The senders of the groups, which follow directory, scope and privacy. Owned by `stack`. */
export function openSenders(
  stack: AsyncDisposableStack,
  config: GatewayConfig,
  { redis, keyspace, directory, scope, privacy, profiles, revocations, keys, eventLog: log }: GatewayState,
  { groups, mayStay, logger }: Pick<SelfServiceParts, 'groups' | 'mayStay' | 'logger'>,
): GatewaySenders {
  if (redis === null) return { webhooks: null, sinks: null, selfService: null };
  const { consumerGroups, webhooks: policy, stream } = config.subscription.spec;
  const parts = {
    groups,
    logger,
    log,
    client: redis,
    source: cloudEventSource(keyspace.resource),
    directory: () => directory.current,
    scope: () => scope.current,
    profiles,
  };
  const declared = {
    ...parts,
    declared: consumerGroups,
    keyPrefix: keyspace.prefix,
    resource: keyspace.resource,
    guard: config.addressGuard,
    allowedPorts: policy.allowedPorts,
  };
  const folder = dirname(config.subscriptionFile);
  const webhooks = stack.use(startSenders(createWebhooks({ ...declared, folder: join(folder, WEBHOOKS_FOLDER) })));
  const sinks = stack.use(startSenders(createNatsSinks({ ...declared, folder: join(folder, NATS_FOLDER) })));
  const ofLog = { partitions: stream.partitions, retentionMs: durationMs(stream.retention.maxAge) };
  const selfService = policy.selfService.enabled
    ? startSelfService({ ...parts, ...policy, ...ofLog, keyspace, keys, revocations, mayStay })
    : null;
  if (selfService !== null) stack.use(selfService.own);
  const look = () => {
    webhooks.look();
    sinks.look();
    selfService?.own.look();
  };
  stack.defer(directory.onChange(look));
  stack.defer(scope.onChange(look));
  stack.defer(privacy.onChange(look));
  return { webhooks, sinks, selfService };
}
