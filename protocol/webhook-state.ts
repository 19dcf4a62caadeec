import type { Webhook } from './subscription/webhook.ts';

/**
 * Why a webhook is off. gone: the receiver answered 410. asked: it answered `webhook-delivery: disable`. failing: nothing
 * got through for `disableAfter`.
 */
const DISABLED_REASONS = ['gone', 'asked', 'failing'] as const;
export type DisabledReason = (typeof DISABLED_REASONS)[number];

/** What all replicas of a resource, and the operator, know of one webhook. Times are Unix milliseconds. */
export interface WebhookState {
  /** Null while it is on. */
  readonly disabled: { readonly reason: DisabledReason; readonly at: number } | null;
  /** Since when a replica has met nothing but faults of the endpoint; null: none has. */
  readonly failingSince: number | null;
  /** When any replica was answered with success last, to within some seconds; null: never, or not known. */
  readonly succeededAt: number | null;
  /** Events that the log no longer had when they were due, as far as known. */
  readonly lost: number;
}

/** Fields of the hash in Redis, see `resourceKeys`. */
export const WEBHOOK_FIELD = {
  disabledReason: 'disabled_reason',
  disabledAt: 'disabled_at',
  /** The declaration that was switched off. */
  disabledOf: 'disabled_of',
  failingSince: 'failing_since',
  succeededAt: 'succeeded_at',
  lost: 'lost',
} as const;

/** A declaration as text: one that is changed is switched on again. */
export function declarationOf(webhook: Webhook): string {
  return JSON.stringify(webhook);
}

/** Reads the hash. What this or another version cannot have written counts as missing. */
export function decodeWebhookState(hash: Readonly<Record<string, string>>, webhook: Webhook): WebhookState {
  const number = (field: string) => {
    const text = hash[field] ?? '';
    return /^\d{1,15}$/.test(text) ? Number(text) : null;
  };
  const reason = DISABLED_REASONS.find((one) => one === hash[WEBHOOK_FIELD.disabledReason]);
  const isOfThis = hash[WEBHOOK_FIELD.disabledOf] === declarationOf(webhook);
  return {
    disabled: reason === undefined || !isOfThis ? null : { reason, at: number(WEBHOOK_FIELD.disabledAt) ?? 0 },
    failingSince: number(WEBHOOK_FIELD.failingSince),
    succeededAt: number(WEBHOOK_FIELD.succeededAt),
    lost: number(WEBHOOK_FIELD.lost) ?? 0,
  };
}

/** For how long nothing got through; 0 while no replica fails. Pure. */
export function failingMs({ failingSince, succeededAt }: WebhookState, now: number): number {
  return failingSince === null ? 0 : Math.max(0, now - Math.max(failingSince, succeededAt ?? 0));
}
