import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { text } from 'node:stream/consumers';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { makeCertificates } from '../../testing/certificates.ts';
import { CHANGES } from '../directory/http/changes.ts';
import { NDJSON_TYPE } from '../directory/http/snapshot.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** The body of a request to `/check`. */
export interface CheckQuestion {
  readonly username: string;
  readonly password: string;
  readonly domain: string;
  readonly account: string | null;
}

type Judge = (question: CheckQuestion, response: ServerResponse) => void;

/** A platform that serves its directory by the contract, over TLS, until a test disturbs it. */
export interface DirectoryServer extends AsyncDisposable {
  readonly url: string;
  readonly caFile: string;
  /** Requests for the snapshot so far. */
  readonly asked: readonly { readonly authorization: string | undefined; readonly status: number }[];
  /** From now on serves this, and these lines to clients that have the previous version. */
  change(text: string, lines: string): void;
  /** From now on serves this, with its digest as ETag. */
  serve(text: string, type?: string): void;
  /** Logins that it was asked to judge. */
  readonly checked: readonly CheckQuestion[];
  /** From now on judges logins like this. */
  judge(judge: Judge): void;
  /** From now on answers like this; null: by the contract again. */
  misbehave(answer: Answer | null): void;
  /** Ends every connection and refuses new ones, until it is opened again. */
  close(): Promise<void>;
  open(): Promise<void>;
}

export async function startDirectoryServer(first: string): Promise<DirectoryServer> {
  const certificates = await makeCertificates('localhost');
  const [cert, key] = [await readFile(certificates.certFile), await readFile(certificates.keyFile)];
  const content = servedContent(first);
  let odd: Answer | null = null;
  const checked: CheckQuestion[] = [];
  let judge: Judge = (_, response) => void response.writeHead(404).end();
  const asked: { authorization: string | undefined; status: number }[] = [];
  const server = createServer({ cert, key }, (request, response) => {
    const { authorization } = request.headers;
    response.on('finish', () => asked.push({ authorization, status: response.statusCode }));
    if (request.method !== 'POST') return (odd ?? content.answer)(request, response);
    void text(request).then((body) => {
      const question = JSON.parse(body) as CheckQuestion;
      checked.push(question);
      return judge(question, response);
    });
  });
  let port = 0;
  const listen = async () => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  };
  const close = async () => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  await listen();
  return {
    url: `https://localhost:${port}/firehose`,
    caFile: certificates.caFile,
    asked,
    checked,
    judge: (next) => (judge = next),
    change: (next, lines) => content.change(next, lines),
    serve: (next, nextType) => content.serve(next, nextType),
    misbehave: (answer) => (odd = answer),
    close,
    open: listen,
    async [Symbol.asyncDispose]() {
      await close();
      await certificates[Symbol.asyncDispose]();
    },
  };
}

/** Serves a content by the contract, with its digest as ETag. */
function servedContent(first: string) {
  let [content, type] = [first, 'application/json'];
  const etagOf = (text: string) => `"${createHash('sha256').update(text).digest('hex').slice(0, 16)}"`;
  let step = { from: '', lines: '' };
  const answer: Answer = ({ headers }, response) => {
    const etag = etagOf(content);
    if (headers['if-none-match'] === etag) return response.writeHead(304, { etag }).end();
    if (headers['if-none-match'] === step.from && headers['a-im'] === CHANGES) {
      return response.writeHead(226, { etag, im: CHANGES, 'content-type': NDJSON_TYPE }).end(step.lines);
    }
    response.setHeader('content-type', type).setHeader('etag', etag);
    if (headers['accept-encoding'] !== 'gzip') return response.end(content);
    return response.setHeader('content-encoding', 'gzip').end(gzipSync(content));
  };
  return {
    answer,
    change(next: string, lines: string) {
      step = { from: etagOf(content), lines };
      content = next;
    },
    serve(next: string, nextType = 'application/json') {
      [content, type] = [next, nextType];
    },
  };
}
