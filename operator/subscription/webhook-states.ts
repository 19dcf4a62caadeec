import type { Subscription } from '../../protocol/subscription.ts';
import type { Webhook } from '../../protocol/subscription/webhook.ts';
import type { GroupStatus } from '../../protocol/subscription/status.ts';
import { resourceKeys } from '../../protocol/keys.ts';
import { decodeWebhookState, failingMs, type DisabledReason, type WebhookState } from '../../protocol/webhook-state.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { good, type Finding } from './findings.ts';

type WebhookStatus = NonNullable<GroupStatus['webhook']>;

/** A receiver that fails for less is no news: a restart, a deployment. */
const FAILS_FOR_MS = 60_000;

const REASONS: Readonly<Record<DisabledReason, NonNullable<WebhookStatus['reason']>>> = {
  gone: 'Gone',
  asked: 'Asked',
  failing: 'Failing',
};
const IN_WORDS: Readonly<Record<NonNullable<WebhookStatus['reason']>, string>> = {
  Gone: 'the receiver answered 410',
  Asked: 'the receiver asked for nothing more',
  Failing: 'nothing got through for disableAfter',
};

/** What gateways share of the webhooks that are declared, by their groups. Rejects with the client's error. */
export async function readWebhooks(
  client: RedisClient,
  { spec }: Pick<Subscription, 'spec'>,
  of: { readonly resource: string; readonly now: number },
): Promise<ReadonlyMap<string, WebhookStatus>> {
  const declared = spec.consumerGroups.flatMap(({ name, webhook }) =>
    webhook === undefined ? [] : [{ name, webhook }],
  );
  const keys = resourceKeys(spec.redis.keyPrefix, of.resource);
  const read = async ({ name, webhook }: { name: string; webhook: Webhook }) => {
    const state = decodeWebhookState(await client.hgetall(keys.webhook(name)), webhook);
    return [name, webhookStatus(state, of.now)] as const;
  };
  return new Map(await Promise.all(declared.map(read)));
}

/** Pure. */
export function webhookStatus(state: WebhookState, now: number): WebhookStatus {
  const { disabled, failingSince, lost } = state;
  const loss = lost === 0 ? {} : { lost };
  if (disabled !== null) return { state: 'Off', reason: REASONS[disabled.reason], since: timeOf(disabled.at), ...loss };
  const ms = failingMs(state, now);
  return failingSince !== null && ms >= FAILS_FOR_MS
    ? { state: 'Failing', since: timeOf(now - ms), ...loss }
    : { state: 'On', ...loss };
}

/** A warning while webhooks are switched off: their events wait for a person. Null while none is. Pure. */
export function disabledWebhooks(groups: readonly GroupStatus[]): Finding | null {
  const off = groups.flatMap(({ name, webhook }) => (webhook?.state === 'Off' ? [{ name, ...webhook }] : []));
  const [first] = off;
  if (first === undefined) return null;
  const told = off.map(({ name, reason = 'Failing', since }) => `${name}: ${IN_WORDS[reason]} (${since})`);
  const remedy = 'fix the receiver, then `firehose webhook enable GROUP` or change the declaration';
  return good(`Receiver${first.reason ?? 'Failing'}`, `${told.join('; ')}. Nothing is sent: ${remedy}`);
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+/, '');
}
