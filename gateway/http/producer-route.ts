import { Router, type Request, type Response } from 'express';
import { createBearerCheck } from './bearer.ts';
import type { Problem } from './problem.ts';
import { readBody } from './read-body.ts';
import { bearerRequired, CLOSE_UNREAD, encodedBody, tooLargeBody } from './refuse-unread.ts';
import { onlyMethods, sendProblem } from './respond.ts';

/** In whole seconds. */
export const RETRY_AFTER_SECONDS = '1';

export interface ProducerRoute {
  readonly path: string;
  /** Bearer token of producers; an empty one refuses every request. */
  readonly token: string;
  /** Concurrent requests: the memory of their bodies is bounded. */
  readonly mostAtOnce: number;
  /** Why a further one is refused. */
  readonly busy: string;
  /** The request has the token; none of its body was read. */
  readonly handle: (request: Request, response: Response) => Promise<void>;
}

/** `POST path` of the inner listener, for producers: the token is checked before any of the body is read. */
export function producerRouter({ path, token, mostAtOnce, busy, handle }: ProducerRoute): Router {
  const isAllowed = createBearerCheck(token);
  const router = Router();
  let underWay = 0;
  const take = async (request: Request, response: Response) => {
    if (!isAllowed(request)) return sendProblem(response, UNAUTHORIZED);
    if (underWay >= mostAtOnce) return sendProblem(response, { ...BUSY, detail: busy });
    underWay += 1;
    try {
      await handle(request, response);
    } finally {
      underWay -= 1;
    }
  };
  router
    .route(path)
    .post((request, response) => take(request, response))
    .all(onlyMethods('POST'));
  return router;
}

/** The body; null when the request was refused because of it, or its producer is gone. */
export async function takeBody(request: Request, response: Response, maxBytes: number): Promise<Buffer | null> {
  const encoded = encodedBody(request);
  if (encoded !== null) sendProblem(response, encoded);
  if (encoded !== null) return null;
  const body = await readBody(request, maxBytes);
  if (body.kind === 'too_large') sendProblem(response, tooLargeBody(maxBytes));
  return body.kind === 'body' ? body.bytes : null;
}

const UNAUTHORIZED = bearerRequired('ingest');

const BUSY: Omit<Problem, 'detail'> = {
  status: 503,
  code: 'ingest_busy',
  headers: { 'Retry-After': RETRY_AFTER_SECONDS, ...CLOSE_UNREAD },
};
