import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import { PROBLEM_TYPE, problemBody, type Problem } from './problem.ts';

/** Sends a problem as the answer. */
export function sendProblem(response: Response, problem: Problem): void {
  response
    .status(problem.status)
    .set({ 'Content-Type': PROBLEM_TYPE, 'Cache-Control': 'no-store', ...problem.headers })
    .send(Buffer.from(problemBody(problem)));
}

/** For paths that nothing answers. */
export const notFound: RequestHandler = (_request, response) => {
  sendProblem(response, { status: 404, code: 'not_found', detail: 'There is nothing at this path.' });
};

/** For methods that a path does not support. */
export function onlyMethods(...methods: string[]): RequestHandler {
  const allowed = methods.join(', ');
  return (_request, response) => {
    sendProblem(response, {
      status: 405,
      code: 'method_not_allowed',
      detail: `This path takes ${allowed}.`,
      headers: { Allow: allowed },
    });
  };
}

/** The client's fault by the status that the middleware set, and no internal detail. */
export function answerErrors(unexpected: (error: unknown) => void): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    const status = Number((error as { status?: unknown } | null)?.status);
    const problem = CLIENT_ERRORS[status] ?? (status >= 400 && status < 500 ? CLIENT_ERRORS[400] : undefined);
    if (problem === undefined) unexpected(error);
    if (response.headersSent) return next(error);
    return sendProblem(response, problem ?? INTERNAL);
  };
}

const INTERNAL: Problem = { status: 500, code: 'internal', detail: 'An unexpected error happened.' };

const CLIENT_ERRORS: Readonly<Record<number, Problem>> = {
  400: { status: 400, code: 'malformed_request', detail: 'The request cannot be read.' },
  413: { status: 413, code: 'body_too_large', detail: 'The body is larger than this path accepts.' },
  415: { status: 415, code: 'unsupported_encoding', detail: 'Send the body without a Content-Encoding.' },
};
