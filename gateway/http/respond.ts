import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { ServerResponse } from 'node:http';
import { PROBLEM_TYPE, problemBody, type Problem } from './problem.ts';

/** Sends a problem as the answer. */
export function sendProblem(response: ServerResponse, { headers, ...problem }: Problem): void {
  response.statusCode = problem.status;
  response.setHeader('Content-Type', PROBLEM_TYPE).setHeader('Cache-Control', 'no-store');
  for (const name in headers) response.setHeader(name, headers[name] ?? '');
  // A string: head and body then are one write.
  response.end(problemBody(problem));
}

/** For paths without a route. */
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

/** A client fault with the status that the middleware set, without internal details. */
export function answerErrors(unexpected: (error: unknown) => void): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    const status = Number((error as { status?: unknown } | null)?.status);
    const problem = CLIENT_ERRORS[status] ?? (status >= 400 && status < 500 ? CLIENT_ERRORS[400] : undefined);
    if (problem === undefined) unexpected(error);
    if (response.headersSent) return next(error);
    return sendProblem(response, problem ?? INTERNAL);
  };
}

export const INTERNAL: Problem = { status: 500, code: 'internal', detail: 'An unexpected error happened.' };

export const BODY_TOO_LARGE: Problem = {
  status: 413,
  code: 'body_too_large',
  detail: 'The body is larger than this path accepts.',
};

export const BODY_ENCODED: Problem = {
  status: 415,
  code: 'unsupported_encoding',
  detail: 'Send the body without a Content-Encoding.',
};

const CLIENT_ERRORS: Readonly<Record<number, Problem>> = {
  400: { status: 400, code: 'malformed_request', detail: 'The request cannot be read.' },
  413: BODY_TOO_LARGE,
  415: BODY_ENCODED,
};
