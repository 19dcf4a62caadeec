import type { Request } from 'express';
import type { Problem } from '../http/problem.ts';
import type { VerifiedToken } from './grant.ts';

type BearerOutcome =
  | { readonly kind: 'valid'; readonly token: VerifiedToken }
  | { readonly kind: 'invalid' }
  | { readonly kind: 'unavailable' };

export interface BearerOptions {
  readonly verifyToken: (token: string) => Promise<BearerOutcome>;
  /** False until the list of revocations is known. */
  readonly isRevocationKnown: () => boolean;
  /** Whether a verified token may still be used. */
  readonly mayStay: (token: VerifiedToken) => boolean;
}

/** The token of a request with `Authorization: Bearer`, verified, or why it is refused. */
export async function judgeBearer(
  { verifyToken, isRevocationKnown, mayStay }: BearerOptions,
  request: Pick<Request, 'headers'>,
): Promise<{ readonly problem: Problem } | { readonly token: VerifiedToken }> {
  const text = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
  const outcome = text === undefined ? ({ kind: 'invalid' } as const) : await verifyToken(text);
  if (outcome.kind === 'unavailable' || !isRevocationKnown()) return { problem: GRANT_UNAVAILABLE };
  return outcome.kind === 'invalid' || !mayStay(outcome.token) ? { problem: INVALID_TOKEN } : { token: outcome.token };
}

/** The same answer for every fault of a token. */
export const INVALID_TOKEN: Problem = {
  status: 401,
  code: 'invalid_token',
  detail: 'The token is missing, not valid or expired: log in again.',
  headers: { 'WWW-Authenticate': 'Bearer realm="firehose", error="invalid_token"' },
};

export const GRANT_UNAVAILABLE: Problem = {
  status: 503,
  code: 'grant_unavailable',
  detail: 'The grant of this token cannot be read now: try again.',
  headers: { 'Retry-After': '2' },
};
