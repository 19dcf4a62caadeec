import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { LOCKOUTS_PATH } from '../../protocol/paths.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import { LockoutsUnavailable } from '../auth/limits/lockout-registry.ts';
import type { Lockouts, ShownLockout } from '../auth/limits/lockouts.ts';
import type { Problem } from '../http/problem.ts';
import { onlyMethods, sendProblem } from '../http/respond.ts';
import { readJson } from './read-request.ts';

export interface LockoutRouteOptions {
  readonly lockouts: Lockouts;
  readonly logger: Logger;
}

const text = z.string().min(1).max(1_024);
const liftSchema = z.union([
  z.strictObject({ id: text }),
  z.strictObject({ username: text }),
  z.strictObject({ address: text }),
  z.strictObject({ all: z.literal(true) }),
]);
const EXPECTED = 'Send one of {"id": "..."}, {"username": "..."}, {"address": "..."} and {"all": true}.';

/** `GET` lists users and addresses whose logins are delayed, over all replicas; `POST .../lift` ends delays. */
export function lockoutRouter(options: LockoutRouteOptions): Router {
  const router = Router();
  router
    .route(LOCKOUTS_PATH)
    .get((_request, response) => list(response, options))
    .all(onlyMethods('GET', 'HEAD'));
  router
    .route(`${LOCKOUTS_PATH}/lift`)
    .post((request, response) => lift(request, response, options))
    .all(onlyMethods('POST'));
  return router;
}

async function list(response: Response, { lockouts }: LockoutRouteOptions): Promise<void> {
  const listed = await available(lockouts.list());
  if ('problem' in listed) return sendProblem(response, listed.problem);
  response.set('Cache-Control', 'no-store').json({ lockouts: listed.value.map(shown) });
}

async function lift(request: Request, response: Response, { lockouts, logger }: LockoutRouteOptions): Promise<void> {
  const read = await readJson(request, liftSchema, EXPECTED);
  if (read.kind === 'gone') return;
  if (read.kind === 'refused') return sendProblem(response, read.problem);
  const lifted = await available(lockouts.lift(read.value));
  if ('problem' in lifted) return sendProblem(response, lifted.problem);
  if (lifted.value.length === 0 && !('all' in read.value)) return sendProblem(response, NO_SUCH_LOCKOUT);
  logger.info({ lockouts: lifted.value }, 'lock-outs lifted');
  response.set('Cache-Control', 'no-store').json({ lifted: lifted.value });
}

async function available<T>(answer: Promise<T>): Promise<{ readonly value: T } | { readonly problem: Problem }> {
  try {
    return { value: await answer };
  } catch (error) {
    if (error instanceof LockoutsUnavailable) return { problem: unavailable(error.code) };
    throw error;
  }
}

function shown({ id, scope, username, domain, address, failures, nextTryAt, until }: ShownLockout): object {
  return {
    id,
    scope,
    username,
    domain,
    address,
    failures,
    next_try_at: new Date(nextTryAt).toISOString(),
    until: new Date(until).toISOString(),
  };
}

const NO_SUCH_LOCKOUT: Problem = {
  status: 404,
  code: 'no_such_lockout',
  detail: 'No lock-out matches: it has ended, was lifted, or never began.',
};

function unavailable(reason: string): Problem {
  return {
    status: 503,
    code: 'lockouts_unavailable',
    detail: `Redis is unavailable now (${reason}): try again.`,
    headers: { 'Retry-After': '2' },
  };
}
