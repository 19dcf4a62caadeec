import type { Subscription } from '../../protocol/subscription.ts';
import type { GroupStatus } from '../../protocol/subscription/status.ts';
import { resourceKeys } from '../../protocol/keys.ts';
import { decodeWebhookState, failingMs, type DisabledReason, type WebhookState } from '../../protocol/webhook-state.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { good, type Finding } from './findings.ts';

type WebhookStatus = NonNullable<GroupStatus['webhook']>;
type NatsStatus = NonNullable<GroupStatus['nats']>;

/** A destination that fails for less is no news: a restart, a deployment. */
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

/** The most frequent causes, and what to do. */
const REMEDIES: Readonly<Record<string, string>> = {
  AUTHORIZATION_VIOLATION: 'the servers refuse the credentials: correct the Secret',
  AUTHENTICATION_EXPIRED: 'the credentials have expired: renew the Secret',
  PERMISSIONS_VIOLATION: 'the user may not publish to the subject: allow it',
  NO_STREAM: 'no stream listens to the subject: create it',
  JS_10060: 'another stream listens to the subject: see nats.stream',
  JS_10077: 'the stream is full and discards new messages: give it room',
  TIMEOUT: 'nothing is acknowledged in time: see the servers and their stream',
  ECONNREFUSED: 'no server accepts connections: see nats.servers',
  ENOTFOUND: 'no server has an address: see nats.servers',
  ADDRESS_REFUSED: 'the address of a server is not allowed: see nats.servers',
};

/** What gateways share of the webhooks and sinks that are declared, by their groups. Rejects with the client's error. */
export async function readSenders(
  client: RedisClient,
  { spec }: Pick<Subscription, 'spec'>,
  of: { readonly resource: string; readonly now: number },
): Promise<ReadonlyMap<string, Pick<GroupStatus, 'webhook' | 'nats'>>> {
  const keys = resourceKeys(spec.redis.keyPrefix, of.resource);
  const stateOf = async (name: string, declaration: object) =>
    decodeWebhookState(await client.hgetall(keys.webhook(name)), declaration);
  const read = async ({ name, webhook, nats }: Subscription['spec']['consumerGroups'][number]) => {
    if (webhook !== undefined) return [name, { webhook: webhookStatus(await stateOf(name, webhook), of.now) }] as const;
    if (nats !== undefined) return [name, { nats: natsStatus(await stateOf(name, nats), of.now) }] as const;
    return [name, {}] as const;
  };
  return new Map(await Promise.all(spec.consumerGroups.map(read)));
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

/** Pure. */
export function natsStatus(state: WebhookState, now: number): NatsStatus {
  const { failingSince, failingCause, lost } = state;
  const loss = lost === 0 ? {} : { lost };
  const ms = failingMs(state, now);
  if (failingSince === null || ms < FAILS_FOR_MS) return { state: 'On', ...loss };
  return { state: 'Failing', ...(failingCause !== null && { cause: failingCause }), since: timeOf(now - ms), ...loss };
}

/** A warning while sinks fail: their events wait. Null while none does. Pure. */
export function failingSinks(groups: readonly GroupStatus[]): Finding | null {
  const failing = groups.flatMap(({ name, nats }) => (nats?.state === 'Failing' ? [{ name, ...nats }] : []));
  if (failing.length === 0) return null;
  const told = failing.map(({ name, cause = 'UNKNOWN', since }) => {
    const remedy = REMEDIES[cause] ?? 'see the log of the gateways';
    return `${name}: NATS has taken nothing since ${since} (${cause}): ${remedy}`;
  });
  return good('NatsFailing', `${told.join('; ')}. Events wait, and are published once it works`);
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+/, '');
}
