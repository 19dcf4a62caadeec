import { durationMs, type ConsumerGroup } from '../../protocol/subscription.ts';
import type { Webhook } from '../../protocol/subscription/webhook.ts';
import type { AddressGuard } from '../../runtime/net/guard-settings.ts';
import type { AddressPolicy } from '../../runtime/net/address-guard.ts';
import { viewOf, type ViewParts } from '../sender/group-view.ts';
import { Sender, type GatewayParts, type SenderParts, type SentGroup } from '../sender/sender.ts';
import { WebhookChannel } from './channel.ts';
import { followSecrets, type Secrets } from './secrets.ts';

/** More than eight members: what one webhook of the resource needs of the gateway. */
export interface WebhookParts extends GatewayParts, Pick<SenderParts, 'grant' | 'keeps' | 'shown' | 'isSwitchedOff'> {
  readonly group: SentGroup & { readonly webhook: Webhook };
  /** Of CloudEvents. */
  readonly source: string;
  readonly secrets: Secrets;
  readonly policy: AddressPolicy;
}

/** More than eight members: what the declared webhooks of a resource need of the gateway. */
type WebhooksParts = GatewayParts &
  ViewParts & {
    readonly declared: readonly ConsumerGroup[];
    readonly guard: AddressGuard;
    /** `spec.webhooks.allowedPorts`. */
    readonly allowedPorts: readonly number[];
    /** Of CloudEvents. */
    readonly source: string;
    /** Holds the secrets, see protocol/webhook-files.ts. */
    readonly folder: string;
  };

/** A sender for each declared webhook. */
export function createWebhooks({ declared, folder, guard, allowedPorts, ...parts }: WebhooksParts): readonly Sender[] {
  return declared.filter(hasWebhook).map((group) => {
    const logger = parts.logger.child({ webhook: group.name });
    return createWebhook({
      ...parts,
      ...viewOf(group, group.webhook.user, parts),
      group,
      secrets: followSecrets(folder, group.name, logger),
      policy: policyFor(group.webhook, { guard, allowedPorts }),
      isSwitchedOff: () => false,
      logger,
    });
  });
}

/** The sender of one webhook. */
export function createWebhook({ source, secrets, policy, ...parts }: WebhookParts): Sender {
  const { webhook } = parts.group;
  return new Sender({
    ...parts,
    title: 'a webhook',
    channel: new WebhookChannel({ webhook, source, secrets, policy }),
    declaration: webhook,
    disableAfterMs: durationMs(webhook.disableAfter),
  });
}

function hasWebhook(group: ConsumerGroup): group is WebhookParts['group'] {
  return group.webhook !== undefined && group.account !== undefined;
}

/** Metadata services and link-local addresses are refused wherever the gateway runs. Pure. */
function policyFor(
  { allowPrivateAddresses }: Webhook,
  { guard, allowedPorts }: Pick<WebhooksParts, 'guard' | 'allowedPorts'>,
): AddressPolicy {
  if (!allowPrivateAddresses) return publicPolicy(allowedPorts);
  // Without a guard the gateway runs on a machine of its user.
  return { allowLoopback: guard === 'off' };
}

/** The policy for a receiver that the platform did not approve. Pure. */
export function publicPolicy(ports: readonly number[]): AddressPolicy {
  return { allowLoopback: false, publicOnly: true, ports };
}
