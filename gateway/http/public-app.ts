import express, { type Express, type RequestHandler, type Router } from 'express';
import type { IncomingMessage } from 'node:http';
import { CALLS_PATH, LOGIN_PATH, STREAM_PATH } from '../../protocol/paths.ts';
import type { AddressOf } from './client-address.ts';
import { cors } from './cors.ts';
import type { Problem } from './problem.ts';
import { answerErrors, notFound, onlyMethods, sendProblem } from './respond.ts';
import { WELCOME } from './welcome.ts';

type LoginAnswer =
  { readonly kind: 'granted'; readonly body: object } | { readonly kind: 'refused'; readonly problem: Problem };

interface LoginClient {
  readonly address: string;
  /** The bearer token of the request, if any: a former one makes a device known. */
  readonly formerToken: string | null;
}

export interface PublicAppOptions {
  readonly login: (body: Buffer, client: LoginClient) => Promise<LoginAnswer>;
  /** Answers a GET of the live calls. */
  readonly calls: RequestHandler;
  /** Public keys that verify tokens, as a JWK set (RFC 7517); empty for symmetric ones. */
  readonly jwks: () => object;
  /** What the contract is, as documents. */
  readonly reference: Router;
  readonly addressOf: AddressOf;
  readonly allowedOrigins: readonly string[];
  readonly isTls: boolean;
  /** Called with errors that no request caused. */
  readonly unexpected: (error: unknown) => void;
}

const LOGIN_BODY_BYTES = 64 * 1024;

/** All routes of the public listener except the stream. */
export function createPublicApp(options: PublicAppOptions): Express {
  const app = express();
  app.disable('x-powered-by').disable('etag').enable('strict routing');
  app.use(securityHeaders(options.isTls));
  // The body is read whatever its declared type: existing clients send various ones.
  const body = express.raw({ type: () => true, limit: LOGIN_BODY_BYTES, inflate: false });
  app.all(LOGIN_PATH, cors(options.allowedOrigins, 'POST'));
  app.post(LOGIN_PATH, body, login(options));
  app.all(LOGIN_PATH, onlyMethods('POST', 'OPTIONS'));
  app.all(CALLS_PATH, cors(options.allowedOrigins, 'GET'));
  app.get(CALLS_PATH, options.calls);
  app.all(CALLS_PATH, onlyMethods('GET', 'HEAD', 'OPTIONS'));
  app.all(STREAM_PATH, (_request, response) => sendProblem(response, UPGRADE_REQUIRED));
  app.get('/.well-known/jwks.json', (_request, response) => {
    response.set('Cache-Control', 'public, max-age=300').json(options.jwks());
  });
  app.use(options.reference);
  app.get('/', (_request, response) => {
    response.set('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    response.type('html').send(WELCOME);
  });
  app.all(['/', '/.well-known/jwks.json'], onlyMethods('GET', 'HEAD'));
  app.use(notFound);
  app.use(answerErrors(options.unexpected));
  return app;
}

function login(options: PublicAppOptions): RequestHandler {
  return async (request, response) => {
    const raw: unknown = request.body;
    const address = options.addressOf(request as IncomingMessage);
    const formerToken = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? null;
    const answer = await options.login(Buffer.isBuffer(raw) ? raw : Buffer.alloc(0), { address, formerToken });
    if (answer.kind === 'refused') return sendProblem(response, answer.problem);
    response.set('Cache-Control', 'no-store').json(answer.body);
  };
}

function securityHeaders(isTls: boolean): RequestHandler {
  const headers = {
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    ...(isTls && { 'Strict-Transport-Security': 'max-age=31536000' }),
  };
  return (_request, response, next) => {
    response.set(headers);
    next();
  };
}

const UPGRADE_REQUIRED: Problem = {
  status: 426,
  code: 'upgrade_required',
  detail: 'This is a WebSocket endpoint: connect with a WebSocket client.',
  headers: { Upgrade: 'websocket', Connection: 'Upgrade' },
};
