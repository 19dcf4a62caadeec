import { Router, type Request, type Response } from 'express';
import { RECONCILE_PATH } from '../../protocol/paths.ts';
import { createBearerCheck } from '../http/bearer.ts';
import type { Problem } from '../http/problem.ts';
import { readBody } from '../http/read-body.ts';
import { bearerRequired, CLOSE_UNREAD, encodedBody, tooLargeBody } from '../http/refuse-unread.ts';
import { onlyMethods, sendProblem } from '../http/respond.ts';
import { CALLS_DISABLED, CALLS_UNAVAILABLE, type Calls } from './calls.ts';
import { CallsUnavailable } from './snapshot.ts';
import { readSwitchList } from './switch-list.ts';

export interface ReconcileRouteOptions {
  /** Null where the resource keeps no table of live calls. */
  readonly calls: Pick<Calls, 'reconcile'> | null;
  /** What producers present as bearer token; an empty one refuses every request. */
  readonly token: string;
  /** Whether a producer may write events of an account here. */
  readonly mayEnd: (account: string) => boolean;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** 100,000 Call-IDs of ordinary length. */
const MAX_BODY_BYTES = 8 * 1_024 * 1_024;

/**
 * `POST /ws/v1/firehose/calls/reconcile`, for the inner listener only: a producer says which calls a switch still has, and
 * the others of that switch are ended. Answers how many were, and how many calls of the list the table lacks.
 */
export function reconcileRouter(options: ReconcileRouteOptions): Router {
  const isAllowed = createBearerCheck(options.token);
  const router = Router();
  let isBusy = false;
  const take = async (request: Request, response: Response) => {
    if (!isAllowed(request)) return sendProblem(response, UNAUTHORIZED);
    if (options.calls === null) return sendProblem(response, { status: 404, ...CALLS_DISABLED, headers: CLOSE_UNREAD });
    // Each reads the whole table: one after the other.
    if (isBusy) return sendProblem(response, BUSY);
    isBusy = true;
    try {
      await handle(request, response, { ...options, calls: options.calls });
    } finally {
      isBusy = false;
    }
  };
  router
    .route(RECONCILE_PATH)
    .post((request, response) => take(request, response))
    .all(onlyMethods('POST'));
  return router;
}

const UNAUTHORIZED = bearerRequired('ingest');

const BUSY: Problem = {
  status: 503,
  code: 'ingest_busy',
  detail: 'Another list is compared with the live calls: send this one again.',
  headers: { 'Retry-After': '1', ...CLOSE_UNREAD },
};

async function handle(
  request: Request,
  response: Response,
  { calls, mayEnd, now }: ReconcileRouteOptions & { readonly calls: Pick<Calls, 'reconcile'> },
): Promise<void> {
  const encoded = encodedBody(request);
  if (encoded !== null) return sendProblem(response, encoded);
  // What comes while the body is read began after the list was made.
  const arrivedAt = now();
  const body = await readBody(request, MAX_BODY_BYTES);
  if (body.kind === 'gone') return;
  if (body.kind === 'too_large') return sendProblem(response, tooLargeBody(MAX_BODY_BYTES));
  const read = readSwitchList(body.bytes, arrivedAt);
  if ('problem' in read) return sendProblem(response, read.problem);
  try {
    const answer = await calls.reconcile(read.list, mayEnd);
    response.set('Cache-Control', 'no-store').json(answer);
  } catch (error) {
    if (!(error instanceof CallsUnavailable)) throw error;
    sendProblem(response, CALLS_UNAVAILABLE);
  }
}
