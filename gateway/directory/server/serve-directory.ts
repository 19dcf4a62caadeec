import {
  createServer as createPlain,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTls } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { listenOn } from '../../../runtime/http/listen.ts';
import type { Logger } from '../../../runtime/logging/logger.ts';
import { createBearerCheck } from '../../http/bearer.ts';
import { readBody } from '../../http/read-body.ts';
import { NDJSON_TYPE } from '../http/snapshot.ts';
import { check, questionSchema } from './check.ts';
import { served, type Served, type ServedEntries } from './entries.ts';

export interface ServeOptions {
  readonly host: string;
  readonly port: number;
  /** PEM; null: plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** What gateways present. */
  readonly token: string;
  readonly intervalMs: number;
  /** Asks the platform. Rejects with a SourceUnavailable. */
  readonly read: (signal: AbortSignal) => Promise<ServedEntries>;
  /** Tells gateways that there is something new; never rejects. */
  readonly push: () => Promise<void>;
  readonly logger: Logger;
}

/** The platform cannot be asked, or answers what is no directory. Holds no credential. */
export class SourceUnavailable extends Error {
  override readonly name = 'SourceUnavailable';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface DirectoryServer extends AsyncDisposable {
  readonly port: number;
}

const MAX_BODY_BYTES = 16 * 1024;
const READ_LIMIT_MS = 60_000;
/** Passwords that are verified at once; each takes a thread. */
const MOST_CHECKS = 16;

/** Reads the entries on and on, and serves them by the contract. The first reading need not succeed. */
export async function serveDirectory(options: ServeOptions): Promise<DirectoryServer> {
  const stop = new AbortController();
  const entries = followEntries(options, stop.signal);
  const listener = answers(options, entries);
  const limits = { headersTimeout: 10_000, requestTimeout: 30_000, noDelay: true };
  const server: Server =
    options.tls === null ? createPlain(limits, listener) : createTls({ ...limits, ...options.tls }, listener);
  const port = await listenOn(server, options);
  return {
    port,
    async [Symbol.asyncDispose]() {
      stop.abort();
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeAllConnections();
      await Promise.all([closed, entries.ended]);
    },
  };
}

interface Followed {
  readonly current: Served | null;
  readonly ended: Promise<void>;
}

function followEntries({ read, push, intervalMs, logger }: ServeOptions, signal: AbortSignal): Followed {
  let current: Served | null = null;
  let told = '';
  const look = async () => {
    const next = await served(await read(AbortSignal.any([signal, AbortSignal.timeout(READ_LIMIT_MS)])));
    told = '';
    if (next.etag === current?.etag && next.users === current.users) {
      // Hashes that are for `check` alone may have changed.
      current = next;
      return;
    }
    current = next;
    logger.info({ accounts: next.accounts, users: next.users }, 'a new directory is served');
    await push();
  };
  const run = async () => {
    while (!signal.aborted) {
      try {
        await look();
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof SourceUnavailable)) throw error;
        if (error.message !== told)
          logger.error({ code: error.code }, `the directory stays as it was: ${error.message}`);
        told = error.message;
      }
      await delay(intervalMs, undefined, { signal }).catch(() => undefined);
    }
  };
  const ended = run();
  return {
    get current() {
      return current;
    },
    ended,
  };
}

function answers({ token, logger }: ServeOptions, entries: Followed): RequestListener {
  const isAllowed = createBearerCheck(token);
  let checks = 0;
  const judge = async (request: IncomingMessage, response: ServerResponse, now: Served) => {
    if (checks >= MOST_CHECKS) return end(response, 503, { 'retry-after': '1' });
    checks += 1;
    try {
      const body = await readBody(request, MAX_BODY_BYTES);
      if (body.kind === 'gone') return undefined;
      const question = body.kind === 'too_large' ? null : questionOf(body.bytes);
      if (question === null) return end(response, 400);
      const answer = JSON.stringify(await check(question, now));
      return response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(answer);
    } finally {
      checks -= 1;
    }
  };
  return (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    if (path === '/livez') return end(response, 200);
    const now = entries.current;
    if (path === '/readyz') return end(response, now === null ? 503 : 200);
    if (!isAllowed(request)) return end(response, 401, { 'www-authenticate': 'Bearer', connection: 'close' });
    if (now === null) return end(response, 503, { 'retry-after': '5' });
    if (request.method === 'GET' && !path.endsWith('/check')) return snapshot(request, response, now);
    if (request.method !== 'POST' || !path.endsWith('/check')) return end(response, 405);
    judge(request, response, now).catch((error: unknown) => {
      logger.error({ err: error }, 'unexpected error while a login is judged');
      response.destroy();
    });
    return undefined;
  };
}

function snapshot(request: IncomingMessage, response: ServerResponse, { etag, packed }: Served): void {
  if (request.headers['if-none-match'] === etag) return end(response, 304, { etag });
  response.writeHead(200, {
    etag,
    'content-type': NDJSON_TYPE,
    'content-encoding': 'gzip',
    'content-length': packed.length,
  });
  response.end(packed);
}

function end(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  response.writeHead(status, headers).end();
}

/** Null for what is no question. */
function questionOf(bytes: Buffer) {
  try {
    return questionSchema.safeParse(JSON.parse(bytes.toString('utf8'))).data ?? null;
  } catch {
    return null;
  }
}
