import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { REVOCATIONS_PATH } from '../../protocol/paths.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { TokenOutcome } from '../auth/token.ts';
import type { Directory } from '../directory/directory.ts';
import { foldName } from '../directory/fold.ts';
import type { Problem } from '../http/problem.ts';
import { onlyMethods, sendProblem } from '../http/respond.ts';
import type { Revoked } from '../revocation/revocation.ts';
import type { Revocation, Revocations } from '../revocation/revocations.ts';
import { readJson, readPage } from './read-request.ts';
import { ACCOUNT_ID } from '../../protocol/subscription/filters.ts';

export interface RevocationRouteOptions {
  readonly revocations: Pick<Revocations, 'revoke' | 'page'>;
  readonly verifyToken: (token: string) => Promise<TokenOutcome>;
  readonly directory: () => Directory;
  /** Whether users log in that the directory lacks, because another server judges them. */
  readonly hasOtherUsers: boolean;
  readonly logger: Logger;
}

const name = z.string().min(1).max(1_024);
const accountId = z.string().regex(ACCOUNT_ID);
const requestSchema = z.union([
  z.strictObject({ token: z.string().min(1).max(8_192) }),
  z.strictObject({ jti: z.string().regex(/^[A-Za-z0-9-]{1,64}$/) }),
  z.strictObject({ account: accountId }),
  z.strictObject({
    user: z.union([
      z.strictObject({ domain: name, username: name }),
      z.strictObject({ account: accountId, username: name }),
    ]),
  }),
]);
type RevocationRequest = z.output<typeof requestSchema>;

const EXPECTED =
  'Send one of {"token": "..."}, {"jti": "..."}, {"user": {"domain": "..." or "account": "...", "username": "..."}} and {"account": "..."}.';

/** `POST` revokes, `GET` lists the revocations, the newest first. */
export function revocationRouter(options: RevocationRouteOptions): Router {
  const router = Router();
  router
    .route(REVOCATIONS_PATH)
    .get((request, response) => list(request, response, options))
    .post((request, response) => revoke(request, response, options))
    .all(onlyMethods('GET', 'HEAD', 'POST'));
  return router;
}

function list(request: Request, response: Response, { revocations }: RevocationRouteOptions): void {
  const read = readPage(request.query);
  if ('problem' in read) return sendProblem(response, read.problem);
  const { revocations: page, next } = revocations.page(read.page.after ?? Infinity, read.page.limit);
  response
    .set('Cache-Control', 'no-store')
    .json({ revocations: page.map(shown), next: next === null ? null : String(next) });
}

async function revoke(request: Request, response: Response, options: RevocationRouteOptions): Promise<void> {
  const read = await readJson(request, requestSchema, EXPECTED);
  if (read.kind === 'gone') return;
  if (read.kind === 'refused') return sendProblem(response, read.problem);
  const meant = await revokedBy(read.value, options);
  if ('problem' in meant) return sendProblem(response, meant.problem);
  const outcome = await options.revocations.revoke(meant.revoked);
  if (outcome.kind === 'no_room') return sendProblem(response, NO_ROOM);
  if (outcome.kind === 'unavailable') return sendProblem(response, unavailable(outcome.code));
  const { revocation, closed } = outcome;
  options.logger.info({ revoked: revocation.revoked, closed }, 'revoked');
  response.set('Cache-Control', 'no-store').json({ ...shown(revocation), closed });
}

/** Resolves the request against the directory: revoking an unknown user would look like a success. */
async function revokedBy(
  request: RevocationRequest,
  { verifyToken, directory, hasOtherUsers }: RevocationRouteOptions,
): Promise<{ revoked: Revoked } | { problem: Problem }> {
  if ('jti' in request) return { revoked: request };
  if ('token' in request) {
    const outcome = await verifyToken(request.token);
    if (outcome.kind === 'unavailable') return { problem: unavailable(outcome.code) };
    return outcome.kind === 'valid' ? { revoked: { jti: outcome.token.id } } : { problem: NOT_VALID };
  }
  const current = directory();
  if ('account' in request) return current.accounts.has(request.account) ? { revoked: request } : unknown('account');
  const { user } = request;
  const account = 'domain' in user ? current.accountByDomain(user.domain) : current.accounts.get(user.account);
  if (account === undefined) return unknown('domain' in user ? 'user.domain' : 'user.account');
  if (!hasOtherUsers && current.userOf(account, user.username) === undefined) return unknown('user.username');
  return { revoked: { user: { account: account.id, username: foldName(user.username) } } };
}

function shown({ revoked, at, until }: Revocation): object {
  return { revoked, at: new Date(at).toISOString(), until: new Date(until).toISOString() };
}

function unknown(field: string): { problem: Problem } {
  const detail =
    'The directory does not have it: nothing was revoked. Users that left the directory are refused already.';
  return { problem: { status: 404, code: 'not_in_directory', detail, field } };
}

const NOT_VALID: Problem = {
  status: 400,
  code: 'token_not_valid',
  detail: 'The token is not valid at this gateway, or has expired. Nothing was revoked.',
  field: 'token',
};

const NO_ROOM: Problem = {
  status: 507,
  code: 'too_many_revocations',
  detail: 'The list of revocations is full: revoke or disable an account above instead.',
};

function unavailable(reason: string): Problem {
  return {
    status: 503,
    code: 'revocations_unavailable',
    detail: `The revocation cannot reach all replicas now (${reason}): send it again until the answer is 200.`,
    headers: { 'Retry-After': '2' },
  };
}
