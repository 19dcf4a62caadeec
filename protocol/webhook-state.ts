/**
 * Why a webhook is off. gone: the receiver answered 410. asked: it answered `webhook-delivery: disable`. failing:
 * nothing succeeded for `disableAfter`.
 */
const DISABLED_REASONS = ['gone', 'asked', 'failing'] as const;
export type DisabledReason = (typeof DISABLED_REASONS)[number];

/**
 * Shared state of one sender, of a webhook or a NATS sink, for all replicas of a resource and the operator. Times are
 * Unix milliseconds.
 */
export interface WebhookState {
  /** Null while it is on. */
  readonly disabled: { readonly reason: DisabledReason; readonly at: number } | null;
  /** Since when a replica has had only faults of the endpoint; null: none has. */
  readonly failingSince: number | null;
  /** What failed last, such as TIMEOUT or HTTP_503; null while no replica fails. */
  readonly failingCause: string | null;
  /** Last success of any replica, to within some seconds; null: never, or unknown. */
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
  failingCause: 'failing_cause',
  succeededAt: 'succeeded_at',
  lost: 'lost',
} as const;

const CAUSE = /^[A-Z0-9_]{1,64}$/;

/** A declaration as text: a changed one is switched on again. */
export function declarationOf(declaration: object): string {
  return JSON.stringify(declaration);
}

/** Reads the hash. Values that no version can have written count as missing. */
export function decodeWebhookState(hash: Readonly<Record<string, string>>, declaration: object): WebhookState {
  const number = (field: string) => {
    const text = hash[field] ?? '';
    return /^\d{1,15}$/.test(text) ? Number(text) : null;
  };
  const reason = DISABLED_REASONS.find((one) => one === hash[WEBHOOK_FIELD.disabledReason]);
  const isOfThis = hash[WEBHOOK_FIELD.disabledOf] === declarationOf(declaration);
  const failingSince = number(WEBHOOK_FIELD.failingSince);
  const cause = hash[WEBHOOK_FIELD.failingCause] ?? '';
  return {
    disabled: reason === undefined || !isOfThis ? null : { reason, at: number(WEBHOOK_FIELD.disabledAt) ?? 0 },
    failingSince,
    failingCause: failingSince !== null && CAUSE.test(cause) ? cause : null,
    succeededAt: number(WEBHOOK_FIELD.succeededAt),
    lost: number(WEBHOOK_FIELD.lost) ?? 0,
  };
}

/** How long nothing succeeded; 0 while no replica fails. Pure. */
export function failingMs({ failingSince, succeededAt }: WebhookState, now: number): number {
  return failingSince === null ? 0 : Math.max(0, now - Math.max(failingSince, succeededAt ?? 0));
}
