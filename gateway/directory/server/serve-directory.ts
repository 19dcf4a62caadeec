import {
  createServer as createPlain,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTls } from 'node:https';
import { openInnerListener } from '../../../runtime/http/inner-listener.ts';
import { listenOn } from '../../../runtime/http/listen.ts';
import type { Logger } from '../../../runtime/logging/logger.ts';
import { createBearerCheck } from '../../http/bearer.ts';
import { readBody } from '../../http/read-body.ts';
import { CHANGES, takesChanges } from '../http/changes.ts';
import { NDJSON_TYPE } from '../http/snapshot.ts';
import { Book } from './book.ts';
import { check, questionSchema } from './check.ts';
import { createFeed, type Feed } from './feed.ts';
import type { ServerMetrics } from './metrics.ts';
import { openPusher } from './push.ts';

/** Where a directory server listens, and which clients it accepts. */
export interface ServerPlace {
  readonly host: string;
  readonly port: number;
  readonly inner: { readonly host: string; readonly port: number };
  /** PEM; null: plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** What gateways present. */
  readonly token: string;
  /** Addresses of gateways that are notified of a new version. */
  readonly pushUrls: readonly string[];
}

export interface ServeOptions {
  readonly place: ServerPlace;
  /** Follows the platform until the signal aborts. Rejects only with an unexpected error. */
  readonly follow: (feed: Feed, signal: AbortSignal) => Promise<void>;
  /** Released with the server. */
  readonly metrics: ServerMetrics;
  readonly logger: Logger;
}

export interface DirectoryServer extends AsyncDisposable {
  readonly port: number;
  readonly innerPort: number;
  /** Rejects with the unexpected error that ended it. */
  readonly ended: Promise<void>;
}

const MAX_BODY_BYTES = 16 * 1024;
/** Passwords that are verified at once; each takes a thread. */
const MOST_CHECKS = 16;

/** Follows a platform, and serves it by the contract. The first reading need not succeed. */
export async function serveDirectory({ place, follow, metrics, logger }: ServeOptions): Promise<DirectoryServer> {
  await using stack = new AsyncDisposableStack();
  stack.use(metrics);
  const stop = new AbortController();
  const book = new Book(place.token);
  metrics.observe(() => book.size);
  const { token, pushUrls } = place;
  const pusher = stack.use(openPusher(pushUrls, { token, logger, onPush: (outcome) => metrics.pushed(outcome) }));
  const port = await openServer(stack, place, answers({ token, book, metrics, logger }), logger);
  const inner = stack.use(await openInnerListener({ ...place.inner, app: innerApp(book, metrics), logger }));
  const feed = createFeed({ book, push: () => pusher.tell(), metrics, logger });
  const ended = follow(feed, stop.signal);
  ended.catch(() => undefined);
  stack.defer(async () => {
    stop.abort();
    await Promise.allSettled([ended]);
  });
  const owned = stack.move();
  return { port, innerPort: inner.port, ended, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function openServer(
  stack: AsyncDisposableStack,
  place: ServerPlace,
  listener: RequestListener,
  logger: Logger,
): Promise<number> {
  const limits = { headersTimeout: 10_000, requestTimeout: 30_000, noDelay: true };
  const server: Server =
    place.tls === null ? createPlain(limits, listener) : createTls({ ...limits, ...place.tls }, listener);
  const port = await listenOn(server, { host: place.host, port: place.port, logger });
  stack.defer(async () => {
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    server.closeAllConnections();
    await closed;
  });
  return port;
}

/** `/livez`, `/readyz` and `/metrics`, for the platform. */
function innerApp(book: Book, metrics: ServerMetrics): RequestListener {
  return (request, response) => {
    if (request.url === '/metrics') return metrics.scrape(request, response);
    const ready = book.etag === null ? ([503, 'the platform was not read yet'] as const) : ([200, 'ok'] as const);
    const answers: Readonly<Record<string, readonly [status: number, text: string]>> = {
      '/livez': [200, 'ok'],
      '/readyz': ready,
    };
    const [status, text] = answers[request.url ?? ''] ?? [404, 'not found'];
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
    return undefined;
  };
}

interface AnswerParts extends Pick<ServeOptions, 'metrics' | 'logger'> {
  readonly token: string;
  readonly book: Book;
}

function answers(parts: AnswerParts): RequestListener {
  const { token, book, metrics, logger } = parts;
  const isAllowed = createBearerCheck(token);
  const judge = checker(book);
  const refuse = (response: ServerResponse, status: number, headers: Record<string, string> = {}) => {
    metrics.answered(status === 503 ? 'not_ready' : 'refused');
    return end(response, status, headers);
  };
  return (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    if (!isAllowed(request)) return refuse(response, 401, { 'www-authenticate': 'Bearer', connection: 'close' });
    const { etag } = book;
    if (etag === null) return refuse(response, 503, { 'retry-after': '5' });
    const isCheck = path.endsWith('/check');
    if (request.method !== (isCheck ? 'POST' : 'GET')) return refuse(response, 405);
    const work = isCheck ? judge(request, response) : snapshot(request, response, { etag, book, metrics });
    if (isCheck) metrics.answered('check');
    work.catch((error: unknown) => {
      logger.error({ err: error }, 'unexpected error while answering a request');
      response.destroy();
    });
    return undefined;
  };
}

async function snapshot(
  request: IncomingMessage,
  response: ServerResponse,
  { etag, book, metrics }: { readonly etag: string; readonly book: Book; readonly metrics: ServerMetrics },
): Promise<void> {
  const known = request.headers['if-none-match'];
  if (known === etag) {
    metrics.answered('unchanged');
    return end(response, 304, { etag });
  }
  const headers = { 'content-type': NDJSON_TYPE, 'cache-control': 'no-store' };
  const lines = known !== undefined && takesChanges(request.headers['a-im']) ? book.changesSince(known) : null;
  if (lines !== null && known !== undefined) {
    metrics.answered('changes');
    response.writeHead(226, { ...headers, etag, im: CHANGES, 'delta-base': known }).end(lines);
    return undefined;
  }
  metrics.answered('whole');
  const packed = await book.packed();
  if (packed === null) throw new Error('unreachable: there is an ETag');
  const { body } = packed;
  const length = { 'content-encoding': 'gzip', 'content-length': body.length };
  response.writeHead(200, { ...headers, ...length, etag: packed.etag }).end(body);
  return undefined;
}

function checker(book: Book) {
  let checks = 0;
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (checks >= MOST_CHECKS) return end(response, 503, { 'retry-after': '1' });
    checks += 1;
    try {
      const body = await readBody(request, MAX_BODY_BYTES);
      if (body.kind === 'gone') return undefined;
      const question = body.kind === 'too_large' ? null : questionOf(body.bytes);
      if (question === null) return end(response, 400);
      const answer = JSON.stringify(await check(question, book));
      response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(answer);
      return undefined;
    } finally {
      checks -= 1;
    }
  };
}

function end(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  response.writeHead(status, headers).end();
}

/** Null when the body is not a login check. */
function questionOf(bytes: Buffer) {
  try {
    return questionSchema.safeParse(JSON.parse(bytes.toString('utf8'))).data ?? null;
  } catch {
    return null;
  }
}
