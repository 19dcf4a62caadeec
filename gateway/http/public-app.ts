import express, { type RequestHandler, type Router } from 'express';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CALLS_PATH, EVENTS_PATH, EXPLAIN_PATH, LOGIN_PATH, STREAM_PATH } from '../../protocol/paths.ts';
import { cors } from './cors.ts';
import { loginRoute, type LoginRouteOptions } from './login-route.ts';
import type { Problem } from './problem.ts';
import { answerErrors, notFound, onlyMethods, sendProblem } from './respond.ts';
import { securityHeaders } from './security-headers.ts';
import { welcome } from './welcome.ts';

export interface PublicAppOptions extends Omit<LoginRouteOptions, 'headers'> {
  /** Answers a GET of the live calls. */
  readonly calls: RequestHandler;
  /** Answers why an event arrived or not. */
  readonly explain: RequestHandler;
  /** The webhooks of logins. */
  readonly webhooks: Router;
  /** Public keys that verify tokens, as a JWK set (RFC 7517); empty for symmetric ones. */
  readonly jwks: () => object;
  /** The contract as documents. */
  readonly reference: Router;
  /** Null: the console is off. */
  readonly console: Router | null;
  readonly isTls: boolean;
}

/** All routes of the public listener except the stream. */
export function createPublicApp(
  options: PublicAppOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  const headers = securityHeaders(options.isTls);
  const login = loginRoute({ ...options, headers });
  const others = express();
  others.disable('x-powered-by').disable('etag').enable('strict routing');
  others.use((_request, response, next) => {
    response.set(headers);
    next();
  });
  others.all(LOGIN_PATH, cors(options.allowedOrigins, 'POST'));
  // Another spelling of the path, or a query.
  others.post(LOGIN_PATH, login);
  others.all(LOGIN_PATH, onlyMethods('POST', 'OPTIONS'));
  others.all(CALLS_PATH, cors(options.allowedOrigins, 'GET'));
  others.get(CALLS_PATH, options.calls);
  others.all(CALLS_PATH, onlyMethods('GET', 'HEAD', 'OPTIONS'));
  others.all(EXPLAIN_PATH, cors(options.allowedOrigins, 'GET'));
  others.get(EXPLAIN_PATH, options.explain);
  others.all(EXPLAIN_PATH, onlyMethods('GET', 'HEAD', 'OPTIONS'));
  others.use(options.webhooks);
  // A GET requests the stream, see request-router.ts.
  others.all(EVENTS_PATH, cors(options.allowedOrigins, 'GET'), onlyMethods('GET', 'OPTIONS'));
  others.all(STREAM_PATH, (_request, response) => sendProblem(response, UPGRADE_REQUIRED));
  others.get('/.well-known/jwks.json', (_request, response) => {
    response.set('Cache-Control', 'public, max-age=300').json(options.jwks());
  });
  others.use(options.reference);
  if (options.console !== null) others.use(options.console);
  others.get('/', (_request, response) => {
    response.set('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    response.type('html').send(welcome(options.console !== null));
  });
  others.all(['/', '/.well-known/jwks.json'], onlyMethods('GET', 'HEAD'));
  others.use(notFound);
  others.use(answerErrors(options.unexpected));
  return (request, response) => {
    if (request.url === LOGIN_PATH && request.method === 'POST') login(request, response);
    else others(request, response);
  };
}

const UPGRADE_REQUIRED: Problem = {
  status: 426,
  code: 'upgrade_required',
  detail: 'This is a WebSocket endpoint: connect with a WebSocket client.',
  headers: { Upgrade: 'websocket', Connection: 'Upgrade' },
};
