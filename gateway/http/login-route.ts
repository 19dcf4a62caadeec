import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressOf } from './client-address.ts';
import { corsHeaders } from './cors.ts';
import type { Problem } from './problem.ts';
import { readBody } from './read-body.ts';
import { BODY_ENCODED, BODY_TOO_LARGE, INTERNAL, sendProblem } from './respond.ts';

type LoginAnswer =
  { readonly kind: 'granted'; readonly body: object } | { readonly kind: 'refused'; readonly problem: Problem };

interface LoginClient {
  readonly address: string;
  /** The bearer token of the request, if any: a former one makes a device known. */
  readonly formerToken: string | null;
}

export interface LoginRouteOptions {
  readonly login: (body: Buffer, client: LoginClient) => Promise<LoginAnswer>;
  readonly addressOf: AddressOf;
  readonly allowedOrigins: readonly string[];
  /** Headers of every answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** Called with errors that no request caused. */
  readonly unexpected: (error: unknown) => void;
}

const LOGIN_BODY_BYTES = 64 * 1024;

/**
 * Answers a POST of a login. Without Express, whose layers cost as much as everything else in a refusal: in a flood,
 * the refused logins matter. The body is read whatever its declared type, because existing clients send different
 * types.
 */
export function loginRoute(options: LoginRouteOptions) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    setHeaders(response, { ...options.headers, ...corsHeaders(request.headers.origin, options.allowedOrigins) });
    answer(request, response, options).catch((error: unknown) => {
      options.unexpected(error);
      if (!response.headersSent) sendProblem(response, INTERNAL);
    });
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, options: LoginRouteOptions): Promise<void> {
  const { authorization = '', 'content-encoding': encoding = 'identity' } = request.headers;
  if (encoding.toLowerCase() !== 'identity') return sendProblem(response, BODY_ENCODED);
  const read = await readBody(request, LOGIN_BODY_BYTES);
  if (read.kind === 'gone') return;
  if (read.kind === 'too_large') return sendProblem(response, BODY_TOO_LARGE);
  const formerToken = /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? null;
  const outcome = await options.login(read.bytes, { address: options.addressOf(request), formerToken });
  if (outcome.kind === 'refused') return sendProblem(response, outcome.problem);
  setHeaders(response, { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' });
  response.end(JSON.stringify(outcome.body));
}

function setHeaders(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
}
