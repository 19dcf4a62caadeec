import { z } from 'zod';
import { accountId } from './subscription/filters.ts';
import { httpAddress } from './subscription/rules.ts';

/** Group names of self-service webhooks are their ids. No declared group has an underscore in its name. */
const ID = /^wh_[A-Za-z0-9_-]{24}$/;

/** Whether a consumer group is that of a self-service webhook. */
export function isOwnWebhook(group: string): boolean {
  return ID.test(group);
}

/** An account id cannot contain it. */
const GONE = '!';
/** Fields of deletions begin with it. */
export const GONE_FIELDS = `${GONE}/`;
/** Field of the hash `resourceKeys.ownWebhooks` that is another one after each change. */
export const REVISION_FIELD = 'revision';

export interface OwnWebhookOf {
  readonly account: string;
  readonly id: string;
}

/** Fields of that hash: one for each webhook, and for each deleted one whose groups are being removed. */
export const OWN_WEBHOOK_FIELD = {
  of: ({ account, id }: OwnWebhookOf) => `${account}/${id}`,
  /** Its value is the time of the deletion. */
  gone: ({ account, id }: OwnWebhookOf) => `${GONE_FIELDS}${account}/${id}`,
} as const;

/** Null for a field that is neither. */
export function readOwnWebhookField(field: string): (OwnWebhookOf & { readonly isGone: boolean }) | null {
  const parts = field.split('/');
  const isGone = parts.length === 3 && parts[0] === GONE;
  const [account = '', id = '', ...rest] = isGone ? parts.slice(1) : parts;
  return rest.length > 0 || account === '' || !isOwnWebhook(id) ? null : { account, id, isGone };
}

const FORMATS = ['Standard', 'CloudEvents', 'Raw'] as const;
/** Of a list in a request. */
export const MOST_NAMES = 100;

/** Of a receiver. */
export const receiverUrl = httpAddress('https://crm.example.com/hooks')
  .refine((text) => text.startsWith('https://'), 'https only')
  .refine((text) => URL.canParse(text), 'its host or port is not valid');

const names = <S extends z.ZodType<string>>(element: S) =>
  z
    .array(element)
    .min(1)
    .max(MOST_NAMES)
    .refine((list) => new Set(list).size === list.length, 'no value twice')
    .nullable();

const members = {
  url: receiverUrl,
  description: z.string().max(200),
  format: z.enum(FORMATS),
  /** Null: all that the token grants. */
  accounts: names(accountId()),
  events: names(z.string().regex(/^[A-Z][A-Z0-9_]{1,63}$/, 'an event name as CHANNEL_ANSWER')),
};

/** The body that creates one. */
export const newOwnWebhook = z.strictObject({
  ...members,
  description: members.description.default(''),
  format: members.format.default('Standard'),
  accounts: members.accounts.default(null),
  events: members.events.default(null),
});

/** The body that changes one: what is absent stays. */
export const ownWebhookChange = z.strictObject({ ...members, enabled: z.boolean() }).partial();

const LONGEST_OVERLAP_S = 604_800;
/** The body that makes a new secret. */
export const ownWebhookRotation = z.strictObject({
  /** Seconds for which requests are also signed with the secret before. */
  overlap_seconds: z.int().min(0).max(LONGEST_OVERLAP_S).default(86_400),
});

const time = z.iso.datetime();

/** A self-service webhook as logins of its account see it. */
export const ownWebhookSchema = z.object({
  id: z.string().describe('Opaque'),
  ...members,
  enabled: z.boolean(),
  state: z
    .enum(['starting', 'sending', 'paused', 'probing', 'held_back', 'off'])
    .describe('As the asked replica knows it'),
  reason: z
    .enum(['owner', 'operator', 'revoked', 'gone', 'asked', 'failing', 'no_secret', 'refused', 'unknown'])
    .nullable()
    .describe('Why it is held_back or off; null while it is not'),
  failing_since: time.nullable(),
  succeeded_at: time.nullable(),
  lost: z.int().describe('Events that the log no longer had when they were due'),
  created_at: time,
  changed_at: time,
  changed_by: z.string().describe('The user whose grant applies'),
  previous_secret_until: time.nullable().describe('Until when requests are also signed with the secret before'),
});

export type ShownOwnWebhook = z.output<typeof ownWebhookSchema>;

/** One request of a webhook, as logins of its account see it. */
const attempt = z.object({
  at: time,
  event_id: z.string(),
  attempt: z.int(),
  status: z.int().nullable(),
  code: z.string().nullable().describe('Why there was no answer'),
  ms: z.int(),
  answer: z.string().describe('The beginning of the answer'),
  verdict: z.enum(['acknowledged', 'event', 'endpoint', 'dead_letter', 'disable']),
});

/** The same with its last requests. */
export const ownWebhookDetail = ownWebhookSchema.extend({
  dead_letters: z.int().describe('Events that were given up'),
  attempts: z.array(attempt).describe('The last requests of the asked replica, the newest first'),
});
export type OwnWebhookAttempt = z.output<typeof attempt>;

export const ownWebhookList = z.object({ webhooks: z.array(ownWebhookSchema) });
/** The secret is in this answer and in no other. */
export const createdOwnWebhook = ownWebhookSchema.extend({ secret: z.string().describe('whsec_ and a key in base64') });
export const ownWebhookTest = z.object({ id: z.string(), outcome: z.string(), ms: z.int() });
