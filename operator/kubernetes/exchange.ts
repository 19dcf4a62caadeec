import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import type { Socket } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import type { Connection } from './connection.ts';

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly contentType?: string;
}

/** The API server answered with a status of 400 or more. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code = 'api_error';
  readonly status: number;
  /** The machine-readable reason: `Conflict`, `Expired`, `Forbidden`, ... */
  readonly reason: string;
  /** Milliseconds; null when the server gave none. */
  readonly retryAfterMs: number | null;
  /** The namespace is being deleted and accepts no new objects. */
  readonly isNamespaceTerminating: boolean;

  constructor(status: number, answer: ErrorAnswer, retryAfterMs: number | null) {
    super(answer.message ?? `the API server answered ${status}`);
    this.status = status;
    this.reason = answer.reason ?? 'Unknown';
    this.retryAfterMs = retryAfterMs;
    this.isNamespaceTerminating = answer.details?.causes?.some((one) => one.reason === 'NamespaceTerminating') ?? false;
  }
}

/** The API server could not be reached, answered too late, or its answer was cut off. */
export class ApiUnavailable extends Error {
  override readonly name = 'ApiUnavailable';
  readonly code = 'api_unavailable';
}

interface ErrorAnswer {
  readonly message?: string;
  readonly reason?: string;
  readonly details?: { readonly causes?: readonly { readonly reason?: string }[] };
}

export interface Conditions {
  readonly signal: AbortSignal;
  /** Throws when this must not be sent any more. */
  readonly assertMaySend?: (() => void) | undefined;
}

/**
 * Opens one exchange; the caller reads the answer's body. Rejects with ApiUnavailable, the signal's reason, or the
 * error of `assertMaySend`. That is called when the connection is open: a process that was paused while it read
 * credentials, or during a handshake, could otherwise send after its lease.
 */
export async function send(
  connection: Connection,
  call: ApiRequest,
  { signal, assertMaySend }: Conditions,
): Promise<IncomingMessage> {
  signal.throwIfAborted();
  const { method, path, query, body, contentType = 'application/json' } = call;
  const options = await connection.options();
  const search = query === undefined ? '' : `?${new URLSearchParams(query).toString()}`;
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    ...(options.headers as OutgoingHttpHeaders | undefined),
    Accept: 'application/json',
    'User-Agent': 'firehose-operator',
    // Node sends a DELETE without a length, and the server would read its body as the next request.
    ...(text !== undefined && { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(text) }),
  };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const url = new URL(`${connection.server.pathname.replace(/\/$/, '')}${path}${search}`, connection.server);
  const sent = request(url, { ...options, method, headers, signal });
  sent.once('response', resolve);
  sent.once('error', (error) => {
    // The error is then that of the abort here. It may name the address but contains no credentials.
    reject(signal.aborted ? (signal.reason as Error) : new ApiUnavailable(error.message));
  });
  const write = () => {
    try {
      assertMaySend?.();
      sent.end(text);
    } catch (error) {
      reject(error);
      sent.destroy();
    }
  };
  sent.once('socket', (socket) => {
    if (isOpening(socket)) socket.once('secureConnect', write);
    else write();
  });
  return promise;
}

function isOpening(socket: Socket & { secureConnecting?: boolean }): boolean {
  return socket.connecting || socket.secureConnecting === true;
}

/** The answer as JSON. Rejects with an ApiError for a status of 400 or more. */
export async function readAnswer(response: IncomingMessage, signal: AbortSignal): Promise<unknown> {
  let content: string;
  try {
    content = await readText(response);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw new ApiUnavailable(`the answer was cut off: ${(error as Error).message}`);
  }
  const status = response.statusCode ?? 0;
  const parsed = parse(content);
  if (status < 400) {
    if (parsed === undefined) throw new ApiUnavailable('the answer is not JSON');
    return parsed;
  }
  const answer: ErrorAnswer = parsed ?? { message: content.slice(0, 200) };
  // Server-side apply answers 500 when the type of a field differs from the schema: that is not a failure of the
  // server.
  const isMistyped = status === 500 && answer.message?.startsWith('failed to create typed patch object') === true;
  throw new ApiError(isMistyped ? 422 : status, answer, retryAfter(response));
}

function retryAfter({ headers }: IncomingMessage): number | null {
  const seconds = Number(headers['retry-after'] ?? Number.NaN);
  return Number.isFinite(seconds) ? Math.max(0, seconds * 1_000) : null;
}

function parse(content: string): unknown {
  try {
    return JSON.parse(content) as unknown;
  } catch {
    return undefined;
  }
}
