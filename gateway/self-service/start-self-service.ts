import type { EventLog } from '../../event-log/event-log.ts';
import type { Subscription } from '../../protocol/subscription.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { isServed, profilesOf } from '../auth/authorise.ts';
import type { VerifiedToken } from '../auth/grant.ts';
import type { Directory } from '../directory/directory.ts';
import type { Groups } from '../group/groups.ts';
import type { Profiles } from '../privacy/profiles.ts';
import type { Revocations } from '../revocation/revocations.ts';
import { narrow } from '../session/narrow.ts';
import type { Scope } from '../subscription/scope.ts';
import { keptBy } from '../sender/group-view.ts';
import { publicPolicy, type WebhookParts } from '../webhook/webhooks.ts';
import { OwnWebhookAdministration } from './administer.ts';
import { OwnWebhookManager } from './manage.ts';
import { OwnWebhooks } from './own-webhooks.ts';
import { tokenOf, type OwnWebhook } from './record.ts';
import type { SealKeys } from './seal-secret.ts';
import { OwnWebhookStore } from './store.ts';

type Policy = Pick<Subscription['spec']['webhooks'], 'allowedPorts' | 'selfService'>;

/** More than eight members: the parts of the gateway that decide what a login may have. */
export interface SelfServiceParts extends Policy {
  readonly client: RedisClient;
  readonly keyspace: { readonly prefix: string; readonly resource: string };
  readonly partitions: number;
  /** How long the log keeps events. */
  readonly retentionMs: number;
  /** Of CloudEvents. */
  readonly source: string;
  readonly keys: SealKeys;
  readonly log: Pick<EventLog, 'range'>;
  readonly groups: Groups;
  readonly directory: () => Directory;
  readonly scope: () => Scope;
  readonly profiles: Pick<Profiles, 'of'>;
  readonly revocations: Pick<Revocations, 'isRevoked' | 'isKnown'>;
  /** Whether a token that was valid may still be used. */
  readonly mayStay: (token: VerifiedToken) => boolean;
  readonly logger: Logger;
}

export interface SelfService {
  readonly own: OwnWebhooks;
  readonly manager: OwnWebhookManager;
  readonly administration: OwnWebhookAdministration;
}

/** Starts to follow the webhooks of logins. The caller owns `own`. */
export function startSelfService(parts: SelfServiceParts): SelfService {
  const { client, keyspace, partitions, source, keys, log, groups, directory, scope, logger } = parts;
  const policy = publicPolicy(parts.allowedPorts);
  const store = new OwnWebhookStore(client, keyspace);
  const own = new OwnWebhooks({
    store,
    keys,
    client,
    keyPrefix: keyspace.prefix,
    resource: keyspace.resource,
    partitions,
    source,
    policy,
    log,
    groups,
    shown: (webhook) => shownTo(webhook, parts),
    keeps: (of) => keptBy(of, directory(), scope()),
    hasAccount: (account) => directory().accounts.has(account),
    retentionMs: parts.retentionMs,
    isRevoked: (token) => parts.revocations.isKnown && parts.revocations.isRevoked(token),
    logger,
  });
  own.start();
  const manager = new OwnWebhookManager({
    own,
    store,
    quota: parts.selfService,
    policy,
    groups,
    narrow: (grant, filter) => narrow(grant, filter, directory(), scope()),
    profilesOf: (token) => profilesOf(directory(), token),
    logger,
  });
  return { own, manager, administration: new OwnWebhookAdministration({ own, store, logger }) };
}

/** What the token that vouches for it would be shown now; null: nothing may be sent. */
function shownTo(
  webhook: OwnWebhook,
  { directory, scope, profiles, revocations, mayStay }: SelfServiceParts,
): ReturnType<WebhookParts['shown']> {
  const token = tokenOf(webhook);
  const account = directory().accounts.get(webhook.account);
  if (account === undefined || !isServed(account, scope()) || !revocations.isKnown || !mayStay(token)) return null;
  const privacy = profiles.of(profilesOf(directory(), token));
  return privacy === undefined ? null : { privacy };
}
