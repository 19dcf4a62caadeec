import type { Request, Router } from 'express';
import { INGEST_PATH } from '../../protocol/paths.ts';
import { producerRouter, RETRY_AFTER_SECONDS, takeBody } from '../http/producer-route.ts';
import { sendProblem } from '../http/respond.ts';
import type { Ingest, IngestAnswer } from './ingest.ts';
import { MAX_BODY_BYTES } from './read-batch.ts';

/** Concurrent batches, each of at most 8 MiB: the memory that producers can use is bounded. */
const MOST_AT_ONCE = 16;

export interface IngestRouteOptions {
  readonly ingest: Ingest;
  /** Bearer token of producers; an empty one refuses every request. */
  readonly token: string;
  /** Called with the answer to each batch. */
  readonly onAnswer: (answer: IngestAnswer) => void;
}

/**
 * `POST /ws/v1/firehose/events`, for the inner listener only. 200: every event is in the log or was dropped; 207: some
 * were rejected, the answer says which and why; 503: some are not in the log: send those, or all, again (their ids
 * prevent duplicates); 400, 401, 413, 415 and 503 `ingest_busy`: nothing was read.
 */
export function ingestRouter({ ingest, token, onAnswer }: IngestRouteOptions): Router {
  return producerRouter({
    path: INGEST_PATH,
    token,
    mostAtOnce: MOST_AT_ONCE,
    busy: `At most ${MOST_AT_ONCE} batches are accepted at once: send this one again.`,
    handle: async (request, response) => {
      const body = await takeBody(request, response, MAX_BODY_BYTES);
      if (body === null) return;
      const result = await ingest(body, {
        contentType: headerOf(request, 'content-type'),
        account: headerOf(request, 'firehose-account'),
        eventId: headerOf(request, 'firehose-event-id'),
        traceparent: headerOf(request, 'traceparent'),
      });
      if (result.kind === 'unreadable') return sendProblem(response, result.problem);
      onAnswer(result.answer);
      if (result.status === 503) response.set('Retry-After', RETRY_AFTER_SECONDS);
      response.status(result.status).set('Cache-Control', 'no-store').json(result.answer);
    },
  });
}

/** A header as UTF-8, because Node reads each byte as a character; empty when absent. */
function headerOf(request: Request, name: string): string {
  return Buffer.from(request.get(name) ?? '', 'latin1').toString();
}
