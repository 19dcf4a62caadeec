import { z } from 'zod';
import { receiverUrl, type OwnWebhookOf } from '../../protocol/own-webhook.ts';
import type { ConsumerGroup } from '../../protocol/subscription.ts';
import { undeclaredGroup } from '../../protocol/subscription/consumer-groups.ts';
import type { Webhook as Declaration } from '../../protocol/subscription/webhook.ts';
import type { Grant, VerifiedToken } from '../auth/grant.ts';
import { VIAS } from '../auth/upstream/verdict.ts';

/** Concurrent requests of one webhook on a replica, which all accounts share. */
const CONCURRENCY = 8;

const names = z.array(z.string()).nullable();
/** The greatest time of a Date. */
const MOST_MS = 8_640_000_000_000_000;
const time = z.number().min(0).max(MOST_MS);

/** As it is stored. Times are Unix milliseconds. */
const recordSchema = z.object({
  v: z.literal(1),
  url: receiverUrl,
  description: z.string(),
  format: z.enum(['Standard', 'CloudEvents', 'Raw']),
  /** The scope: that of the token, or less. */
  accounts: names,
  events: names,
  /**
   * Why it is switched off. owner: a login did it. operator: an administrator did it, and only one ends it. revoked: the
   * token that vouched for it was revoked.
   */
  off: z.enum(['owner', 'operator', 'revoked']).nullable(),
  /** The token that created it or changed it last: it applies as if it were connected. */
  by: z.object({
    username: z.string(),
    via: z.enum(VIAS).optional(),
    token: z.string(),
    mark: z.number(),
    privacy: z.array(z.string()).optional(),
  }),
  createdAt: time,
  changedAt: time,
  /** Sealed, see seal-secret.ts. */
  secret: z.string(),
  sealedAt: time,
  previous: z.object({ secret: z.string(), until: time }).nullable(),
});

export type OwnRecord = z.output<typeof recordSchema>;

/** A self-service webhook as this replica read it. */
export interface OwnWebhook extends OwnWebhookOf {
  readonly record: OwnRecord;
  /** The record as Redis holds it. */
  readonly text: string;
}

export function encodeRecord(record: OwnRecord): string {
  return JSON.stringify(record);
}

/** Null for a text of a later version, and for a damaged one. */
export function decodeRecord(of: OwnWebhookOf, text: string): OwnWebhook | null {
  try {
    return { ...of, text, record: recordSchema.parse(JSON.parse(text)) };
  } catch {
    return null;
  }
}

/** The token that vouches for a webhook, as if it never expired. Pure. */
export function tokenOf({ account, record }: Pick<OwnWebhook, 'account' | 'record'>): VerifiedToken {
  const { accounts, events, by } = record;
  return {
    grant: { account, accounts, events, ...(by.privacy !== undefined && { privacy: by.privacy }) },
    username: by.username,
    ...(by.via !== undefined && { via: by.via }),
    id: by.token,
    mark: by.mark,
    sessionEndsAt: Number.POSITIVE_INFINITY,
  };
}

/** The part of a record that says who vouches for it and for what. Pure. */
export function vouchedBy({ username, via, id, mark, grant }: VerifiedToken, scope: Grant) {
  const { accounts, events } = scope;
  const privacy = grant.privacy === undefined ? {} : { privacy: [...grant.privacy] };
  const by = { username, ...(via !== undefined && { via }), token: id, mark, ...privacy };
  return { accounts: accounts && [...accounts], events: events && [...events], by };
}

/** Its consumer group: a position of its own, from the present end of the log on. Pure. */
export function groupOf({
  account,
  id,
  record: { url, format },
}: OwnWebhook): ConsumerGroup & { readonly account: string; readonly webhook: Declaration } {
  const group = undeclaredGroup(id, { account, webhook: { url, format, concurrency: CONCURRENCY } });
  if (group.webhook === undefined) throw new Error('unreachable: it was given');
  return { ...group, account, webhook: group.webhook };
}

/** Whether a login may change a webhook: it grants all that the webhook gets, and hides nothing more. Pure. */
export function covers(
  token: { readonly grant: Grant; readonly profiles: readonly string[] },
  webhook: { readonly grant: Grant; readonly profiles: readonly string[] },
): boolean {
  const has = (all: readonly string[] | null, some: readonly string[] | null) =>
    all === null || some?.every((one) => all.includes(one)) === true;
  return (
    token.grant.account === webhook.grant.account &&
    has(token.grant.accounts, webhook.grant.accounts) &&
    has(token.grant.events, webhook.grant.events) &&
    token.profiles.every((name) => webhook.profiles.includes(name))
  );
}
