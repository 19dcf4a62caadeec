import type { IncomingMessage } from 'node:http';
import type { Problem } from './problem.ts';

/** After a refusal before the body was read, the start of the next request on the connection is unknown. */
export const CLOSE_UNREAD = { Connection: 'close' };

/** For callers without the right bearer token of an inner endpoint. */
export function bearerRequired(name: string): Problem {
  return {
    status: 401,
    code: 'unauthorized',
    detail: `Present the ${name} token: Authorization: Bearer <token>`,
    headers: { 'WWW-Authenticate': `Bearer realm="firehose-${name}"`, ...CLOSE_UNREAD },
  };
}

/** Null when the body is not encoded. */
export function encodedBody({ headers }: Pick<IncomingMessage, 'headers'>): Problem | null {
  if ((headers['content-encoding'] ?? 'identity').toLowerCase() === 'identity') return null;
  return {
    status: 415,
    code: 'unsupported_encoding',
    detail: 'Send the body without a Content-Encoding.',
    headers: { 'Accept-Encoding': 'identity', ...CLOSE_UNREAD },
  };
}

export function tooLargeBody(maxBytes: number): Problem {
  return { status: 413, code: 'body_too_large', detail: `At most ${maxBytes} bytes`, headers: CLOSE_UNREAD };
}
