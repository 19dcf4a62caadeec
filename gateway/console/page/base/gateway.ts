import { object, parsed, text, type Json } from './read.ts';

/** Why something was not answered: a problem of the gateway, or `unreachable`. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly retryAfterS: number | null;
}

export type Answer = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly problem: Problem };

export interface Question {
  readonly token?: string | null;
  /** Sent as JSON by POST, if no other method is named; without one it is a GET. */
  readonly body?: unknown;
  readonly method?: 'PATCH';
  readonly accept?: string;
}

const PATIENCE_MS = 15_000;

/** Asks this gateway. Never rejects. The token goes by a header, never by the address. */
export async function ask(path: string, question: Question = {}): Promise<Answer> {
  const answer = await askText(path, question);
  return answer.ok ? { ok: true, value: parsed(answer.text) } : answer;
}

/** As `ask`, for answers that are no single document. */
export async function askText(
  path: string,
  { token = null, body, method, accept = 'application/json' }: Question = {},
): Promise<{ readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: Problem }> {
  try {
    const response = await fetch(path, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { Accept: accept, ...(token !== null && { Authorization: `Bearer ${token}` }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const answered = await response.text();
    if (response.ok) return { ok: true, text: answered };
    return { ok: false, problem: problemOf(response.status, parsed(answered), response.headers.get('Retry-After')) };
  } catch {
    return { ok: false, problem: UNREACHABLE };
  }
}

const UNREACHABLE: Problem = {
  status: 0,
  code: 'unreachable',
  detail: 'The gateway does not answer.',
  retryAfterS: null,
};

function problemOf(status: number, body: Json, retryAfter: string | null): Problem {
  const wait = Number(retryAfter);
  return {
    status,
    code: text(object(body)['code']) ?? 'unknown',
    detail: text(body['detail']) ?? `The answer has status ${status}.`,
    retryAfterS: retryAfter !== null && Number.isFinite(wait) ? wait : null,
  };
}
