import type { Problem } from './problem.ts';
import { LIMITS } from './limits.ts';

/** Answers of the public listener itself, before a request is routed. */
export const TOO_MANY_HEADERS: Problem = {
  status: 431,
  code: 'too_many_headers',
  detail: `Send at most ${LIMITS.headers} header fields, of ${LIMITS.headerBytes} bytes in all.`,
};

/** RFC 9112 3.2. */
export const INVALID_HOST: Problem = {
  status: 400,
  code: 'invalid_host',
  detail: 'Send the header Host once, as host or host:port.',
};

/** Node keeps the first one, and a proxy in front may have judged the last. */
export const REPEATED_AUTHORIZATION: Problem = {
  status: 400,
  code: 'malformed_request',
  detail: 'Send the header Authorization once.',
};

export const INVALID_TARGET: Problem = {
  status: 400,
  code: 'invalid_url',
  detail: 'The request target is neither a path nor an absolute http or https URL.',
};

export const TOO_MANY_REQUESTS: Problem = {
  status: 429,
  code: 'too_many_requests',
  detail: 'Too many requests came from this address: send fewer.',
  headers: { 'Retry-After': '5' },
};

/** RFC 9110 10.1.1. */
export const EXPECTATION_FAILED: Problem = {
  status: 417,
  code: 'expectation_failed',
  detail: 'The only supported expectation is 100-continue.',
};

export const NO_TUNNEL: Problem = {
  status: 405,
  code: 'method_not_allowed',
  detail: 'This is not a proxy: CONNECT is not supported.',
  headers: { Allow: 'GET, HEAD, POST, OPTIONS' },
};

/** Input that is not a request, by the parser's error. */
export function problemOf(error: NodeJS.ErrnoException): Problem {
  if (error.code === 'HPE_HEADER_OVERFLOW') return { ...TOO_MANY_HEADERS, code: 'headers_too_large' };
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { status: 408, code: 'request_timeout', detail: 'The request did not arrive in time.' };
  }
  return { status: 400, code: 'malformed_request', detail: 'This is not an HTTP/1.1 request.' };
}
