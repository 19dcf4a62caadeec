import type { RequestHandler } from 'express';
import { isOriginAllowed } from './origin.ts';

/** Headers that browsers and their telemetry add to a login, and clients of Server-Sent Events to their request. */
const ALLOWED_HEADERS = 'Content-Type, Authorization, Last-Event-ID, traceparent, tracestate, X-Requested-With';
const PREFLIGHT_SECONDS = '600';

/** CORS for a path that browsers call (Fetch standard, 3.2): no cookies, so no credentials. */
export function cors(allowed: readonly string[], methods: string): RequestHandler {
  return (request, response, next) => {
    const headers = corsHeaders(request.headers.origin, allowed);
    response.set(headers);
    if (request.method !== 'OPTIONS') return next();
    if (headers['Access-Control-Allow-Origin'] !== undefined) {
      response.set({
        'Access-Control-Allow-Methods': methods,
        'Access-Control-Allow-Headers': ALLOWED_HEADERS,
        'Access-Control-Max-Age': PREFLIGHT_SECONDS,
      });
    }
    response.status(204).end();
  };
}

/** Headers of the answer for the requesting browser page. Pure. */
export function corsHeaders(origin: string | undefined, allowed: readonly string[]): Readonly<Record<string, string>> {
  if (origin === undefined || !isOriginAllowed(origin, allowed)) return { Vary: 'Origin' };
  return {
    Vary: 'Origin',
    'Access-Control-Allow-Origin': allowed.includes('*') ? '*' : origin,
    'Access-Control-Expose-Headers': 'Retry-After',
  };
}
