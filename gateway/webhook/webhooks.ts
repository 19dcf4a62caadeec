import type { ConsumerGroup } from '../../protocol/subscription.ts';
import { Background } from '../../runtime/lifecycle/background.ts';
import type { AddressGuard } from '../../runtime/net/guard-settings.ts';
import type { AddressPolicy } from '../../runtime/net/address-guard.ts';
import { isServed } from '../auth/authorise.ts';
import { isActive, type Directory } from '../directory/directory.ts';
import { foldName } from '../directory/fold.ts';
import { createOffer } from '../fanout/offer.ts';
import { accepts, RouteIndex, wantedBy } from '../fanout/route-index.ts';
import { groupFilter } from '../group/group-filter.ts';
import type { Profiles } from '../privacy/profiles.ts';
import type { Scope } from '../subscription/scope.ts';
import { SecretFiles } from './secrets.ts';
import { Webhook, type WebhookParts } from './webhook.ts';

export type WebhooksParts = Omit<
  WebhookParts,
  'group' | 'policy' | 'shown' | 'keeps' | 'secrets' | 'grant' | 'isSwitchedOff'
> & {
  /** Holds the secrets, see protocol/webhook-files.ts. */
  readonly folder: string;
  readonly declared: readonly ConsumerGroup[];
  readonly guard: AddressGuard;
  /** `spec.webhooks.allowedPorts`. */
  readonly allowedPorts: readonly number[];
  readonly directory: () => Directory;
  readonly scope: () => Scope;
  readonly profiles: Pick<Profiles, 'of'>;
};

/** The webhooks of a resource on this replica. */
export interface Webhooks extends AsyncDisposable {
  readonly all: readonly Webhook[];
  /** The directory, the scope or the privacy profiles have changed. */
  look(): void;
}

/** Starts every declared webhook; each joins its group as soon as Redis allows it. */
export function startWebhooks({
  declared,
  folder,
  guard,
  allowedPorts,
  directory,
  scope,
  profiles,
  ...parts
}: WebhooksParts): Webhooks {
  const stop = new AbortController();
  const background = new Background();
  const all = declared.filter(hasWebhook).map((group) => {
    const { user } = group.webhook;
    const shown = () => shownTo({ account: group.account, user }, { directory: directory(), scope: scope(), profiles });
    const logger = parts.logger.child({ webhook: group.name });
    const grant = { account: group.account, accounts: null, events: null };
    const keeps = () => keptBy({ group, grant }, directory(), scope());
    return new Webhook({
      ...parts,
      group,
      secrets: new SecretFiles(folder, group.name, logger),
      grant,
      policy: policyFor(group, { guard, allowedPorts }),
      shown,
      keeps,
      isSwitchedOff: () => false,
      logger,
    });
  });
  for (const webhook of all) background.run(webhook.run(stop.signal));
  return {
    all,
    look() {
      for (const webhook of all) webhook.look();
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await background.settled();
      for (const webhook of all) webhook[Symbol.dispose]();
    },
  };
}

function hasWebhook(group: ConsumerGroup): group is WebhookParts['group'] {
  return group.webhook !== undefined && group.account !== undefined;
}

/** What connections of the group would get, by the account tree as it is now. */
export function keptBy(
  { group, grant }: Pick<WebhookParts, 'group' | 'grant'>,
  directory: Directory,
  scope: Scope,
): (metaLine: string) => boolean {
  const index = new RouteIndex(directory, createOffer(scope));
  const view = wantedBy(grant);
  const filter = groupFilter(group);
  return (metaLine) => {
    const route = index.match(metaLine);
    return accepts(view, route) && (filter?.(route) ?? true);
  };
}

/** Metadata services and link-local addresses are refused wherever the gateway runs. Pure. */
function policyFor(
  { webhook }: Pick<WebhookParts['group'], 'webhook'>,
  { guard, allowedPorts }: Pick<WebhooksParts, 'guard' | 'allowedPorts'>,
): AddressPolicy {
  if (!webhook.allowPrivateAddresses) return publicPolicy(allowedPorts);
  // Without a guard the gateway runs on a machine of its user.
  return { allowLoopback: guard === 'off' };
}

/** Of a receiver without the platform's approval. Pure. */
export function publicPolicy(ports: readonly number[]): AddressPolicy {
  return { allowLoopback: false, publicOnly: true, ports };
}

/**
 * What is shown of the events, by the privacy profiles of the resource and the declared user. Null while nothing may be
 * sent: the account is inactive or not served, as for its logins, or the user is disabled or missing. Pure.
 */
function shownTo(
  { account: id, user: name }: { readonly account: string; readonly user: string | undefined },
  by: { readonly directory: Directory; readonly scope: Scope; readonly profiles: Pick<Profiles, 'of'> },
): ReturnType<WebhookParts['shown']> {
  const account = by.directory.accounts.get(id);
  if (account === undefined || !isActive(account) || !isServed(account, by.scope)) return null;
  const user = name === undefined ? undefined : by.directory.userOf(account, foldName(name));
  if (name !== undefined && user?.enabled !== true) return null;
  const own = user?.privacy ?? null;
  const privacy = by.profiles.of(own === null ? [] : [own]);
  return privacy === undefined ? null : { privacy };
}
