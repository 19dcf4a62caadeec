import type { z } from 'zod';
import type { Problem } from '../http/problem.ts';
import type { Narrowed } from '../session/narrow.ts';
import type { Quota } from './store.ts';

type Refused = Extract<Narrowed, { ok: false }>;

export const DISABLED: Problem = {
  status: 404,
  code: 'webhooks_disabled',
  detail: 'Logins cannot create webhooks here: spec.webhooks.selfService.enabled is false.',
};

/** The same for an id of another account, and for one that nobody has. */
export const UNKNOWN: Problem = {
  status: 404,
  code: 'unknown_webhook',
  detail: 'The account of this login has no webhook with this id.',
};

export const BEYOND_GRANT: Problem = {
  status: 403,
  code: 'webhook_beyond_grant',
  detail: 'The webhook gets events or data that this token does not show: log in with a grant that covers it.',
};

/** For a login that switches on what an administrator has switched off. */
export const STOPPED: Problem = {
  status: 403,
  code: 'webhook_stopped_by_operator',
  detail: 'An administrator has switched this webhook off: only an administrator switches it on again.',
};

export function tooMany(full: 'account_full' | 'full', { maxPerAccount, maxTotal }: Quota): Problem {
  const most =
    full === 'account_full' ? `The account has ${maxPerAccount} webhooks` : `The resource has ${maxTotal} webhooks`;
  return { status: 409, code: 'too_many_webhooks', detail: `${most}, as many as it may have.` };
}

export function tooOften(waitMs: number): Problem {
  return {
    status: 429,
    code: 'too_many_webhook_requests',
    detail: 'This account asks too often for its webhooks: wait.',
    headers: { 'Retry-After': String(Math.ceil(waitMs / 1_000)) },
  };
}

export function addressRefused(why: string): Problem {
  return { status: 400, code: 'webhook_address', detail: why, field: 'url' };
}

/** For a body that names accounts or events which the token does not grant. */
export function notGranted({ code, detail }: Refused): Problem {
  if (code === 'unknown_event') return { status: 400, code, detail, field: 'events' };
  return { status: 403, code: 'webhook_beyond_grant', detail };
}

export function tooManyNames(field: 'accounts' | 'events', most: number): Problem {
  const code = field === 'accounts' ? 'too_many_accounts' : 'too_many_events';
  return {
    status: 400,
    code,
    detail: `A webhook names at most ${most} ${field}: name fewer than the token does.`,
    field,
  };
}

/** Names every fault, and repeats nothing of the body, whose URL may contain a credential. */
export function invalidBody(error: z.ZodError, members: readonly string[]): Problem {
  const faults = error.issues.map(({ code, path, message }) => {
    if (code === 'unrecognized_keys') return 'it has other members';
    return `${path.join('.') || 'it'}: ${message}`;
  });
  const [first] = error.issues;
  const field = first?.path.join('.') ?? '';
  return {
    status: 400,
    code: 'invalid_webhook',
    detail: `The body is a JSON object with ${members.join(', ')}; ${faults.join('; ')}.`,
    ...(field !== '' && { field }),
  };
}

export function unavailable(reason: string): Problem {
  return {
    status: 503,
    code: 'webhooks_unavailable',
    detail: `Webhooks cannot be read or changed now (${reason}): try again.`,
    headers: { 'Retry-After': '2' },
  };
}
