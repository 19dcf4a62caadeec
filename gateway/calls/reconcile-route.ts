import type { Router } from 'express';
import { RECONCILE_PATH } from '../../protocol/paths.ts';
import { producerRouter, takeBody } from '../http/producer-route.ts';
import { CLOSE_UNREAD } from '../http/refuse-unread.ts';
import { sendProblem } from '../http/respond.ts';
import { CALLS_DISABLED, CALLS_UNAVAILABLE, type Calls } from './calls.ts';
import { CallsUnavailable } from './snapshot.ts';
import { readSwitchLists } from './switch-list.ts';

export interface ReconcileRouteOptions {
  /** Null where the resource keeps no table of live calls. */
  readonly calls: Pick<Calls, 'reconcile'> | null;
  /** Bearer token of producers; an empty one refuses every request. */
  readonly token: string;
  /** Whether a producer may write events of an account here. */
  readonly mayEnd: (account: string) => boolean;
  /** Unix milliseconds. */
  readonly now: () => number;
}

const NDJSON = 'application/x-ndjson';
/** Room for 100,000 Call-IDs of usual length. */
const MAX_BODY_BYTES = 8 * 1_024 * 1_024;

/**
 * `POST /ws/v1/firehose/calls/reconcile`, for the inner listener only: a producer sends the calls that a switch still
 * has, and the others of that switch are ended. NDJSON: one list on each line, for several switches. Answers the number
 * of ended calls, and how many calls of the lists the table lacks.
 */
export function reconcileRouter({ calls, token, mayEnd, now }: ReconcileRouteOptions): Router {
  return producerRouter({
    path: RECONCILE_PATH,
    token,
    // Each request reads the whole table: they run one after the other.
    mostAtOnce: 1,
    busy: 'Another list is compared with the live calls: send this one again.',
    handle: async (request, response) => {
      if (calls === null) return sendProblem(response, { status: 404, ...CALLS_DISABLED, headers: CLOSE_UNREAD });
      // An event that arrives while the body is read began after the list was made.
      const arrivedAt = now();
      const body = await takeBody(request, response, MAX_BODY_BYTES);
      if (body === null) return;
      const isLines = request.is(NDJSON) === NDJSON;
      const read = readSwitchLists(body, isLines, arrivedAt);
      if ('problem' in read) return sendProblem(response, read.problem);
      try {
        response.set('Cache-Control', 'no-store').json(await calls.reconcile(read.lists, mayEnd));
      } catch (error) {
        if (!(error instanceof CallsUnavailable)) throw error;
        sendProblem(response, CALLS_UNAVAILABLE);
      }
    },
  });
}
