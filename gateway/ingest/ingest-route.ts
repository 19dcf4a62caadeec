import { Router, type Request, type Response } from 'express';
import { INGEST_PATH } from '../../protocol/paths.ts';
import { createBearerCheck } from '../http/bearer.ts';
import type { Problem } from '../http/problem.ts';
import { readBody } from '../http/read-body.ts';
import { bearerRequired, CLOSE_UNREAD, encodedBody, tooLargeBody } from '../http/refuse-unread.ts';
import { onlyMethods, sendProblem } from '../http/respond.ts';
import type { Ingest, IngestAnswer } from './ingest.ts';
import { MAX_BODY_BYTES } from './read-batch.ts';

const RETRY_AFTER_SECONDS = '1';
/** Batches at once, each of at most 8 MiB: the memory that producers can use is bounded. */
const MOST_AT_ONCE = 16;

export interface IngestRouteOptions {
  readonly ingest: Ingest;
  /** What producers present as bearer token; an empty one refuses every request. */
  readonly token: string;
  /** Called with the answer to each batch. */
  readonly onAnswer: (answer: IngestAnswer) => void;
}

/**
 * `POST /ws/v1/firehose/events`, for the inner listener only. 200: every event is in the log or was dropped; 207: some
 * were rejected, the answer says which and why; 503: some are not in the log: send those, or all, again (their ids
 * prevent duplicates); 400, 401, 413, 415 and 503 `ingest_busy`: nothing was read.
 */
export function ingestRouter(options: IngestRouteOptions): Router {
  const isAllowed = createBearerCheck(options.token);
  const router = Router();
  let underWay = 0;
  const take = async (request: Request, response: Response) => {
    // The token before the body: nothing is read of a body without it.
    if (!isAllowed(request)) return sendProblem(response, UNAUTHORIZED);
    if (underWay >= MOST_AT_ONCE) return sendProblem(response, BUSY);
    underWay += 1;
    try {
      await handle(request, response, options);
    } finally {
      underWay -= 1;
    }
  };
  router
    .route(INGEST_PATH)
    .post((request, response) => take(request, response))
    .all(onlyMethods('POST'));
  return router;
}

const UNAUTHORIZED = bearerRequired('ingest');

const BUSY: Problem = {
  status: 503,
  code: 'ingest_busy',
  detail: `At most ${MOST_AT_ONCE} batches are accepted at once: send this one again.`,
  headers: { 'Retry-After': RETRY_AFTER_SECONDS, ...CLOSE_UNREAD },
};

async function handle(request: Request, response: Response, { ingest, onAnswer }: IngestRouteOptions): Promise<void> {
  const encoded = encodedBody(request);
  if (encoded !== null) return sendProblem(response, encoded);
  const body = await readBody(request, MAX_BODY_BYTES);
  if (body.kind === 'gone') return;
  if (body.kind === 'too_large') return sendProblem(response, tooLargeBody(MAX_BODY_BYTES));
  const result = await ingest(body.bytes, {
    contentType: headerOf(request, 'content-type'),
    account: headerOf(request, 'firehose-account'),
    eventId: headerOf(request, 'firehose-event-id'),
    traceparent: headerOf(request, 'traceparent'),
  });
  if (result.kind === 'unreadable') return sendProblem(response, result.problem);
  onAnswer(result.answer);
  if (result.status === 503) response.set('Retry-After', RETRY_AFTER_SECONDS);
  response.status(result.status).set('Cache-Control', 'no-store').json(result.answer);
}

/** A header as UTF-8, as Node reads each byte as a character; empty when it is not there. */
function headerOf(request: Request, name: string): string {
  return Buffer.from(request.get(name) ?? '', 'latin1').toString();
}
