import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/**
 * Whether a request has exactly this bearer token; an empty token refuses every request. Compares digests, so that
 * neither the time nor the length reveals how much of a token was correct.
 */
export function createBearerCheck(token: string): (request: Pick<IncomingMessage, 'headers'>) => boolean {
  const expected = sha256(token);
  return ({ headers }) => {
    const given = /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
    return timingSafeEqual(sha256(given), expected) && token !== '';
  };
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
