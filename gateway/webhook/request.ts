import http from 'node:http';
import https from 'node:https';
import { urlToHttpOptions } from 'node:url';
import type { AddressPolicy } from '../../runtime/net/address-guard.ts';
import { guardedAgent } from '../../runtime/net/guarded-agent.ts';
import type { Outcome } from './judge-answer.ts';

/** Limit of an answer's body; the connection is cut if there is more. */
const READ_BYTES = 1_024;
/** Part of it that is kept for people. */
const KEPT_CHARACTERS = 200;
/** Limit of the wait for the body. */
const BODY_WAIT_MS = 1_000;

export interface Receiver {
  readonly url: URL;
  readonly policy: AddressPolicy;
  /** Limit until the head of the answer, milliseconds. */
  readonly timeoutMs: number;
  /** The present authorities for its certificate; null: those of Node.js. */
  readonly ca: () => string | null;
}

interface Sending {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly signal: AbortSignal;
}

/** Kept-alive connections to one receiver. */
export interface Requests extends Disposable {
  /** Posts a body. Never rejects; an aborted request is a failure with the code ABORTED. */
  send(sending: Sending): Promise<Outcome>;
}

export function openRequests({ url, policy, timeoutMs, ca }: Receiver): Requests {
  const agent = guardedAgent(url.protocol, policy);
  const { request } = url.protocol === 'https:' ? https : http;
  const target = urlToHttpOptions(url);
  const once = ({ headers, body, signal }: Sending) => {
    const authorities = ca();
    const call = request({
      ...target,
      method: 'POST',
      agent,
      headers: { ...headers, 'content-length': String(body.length) },
      ...(authorities !== null && { ca: authorities }),
    });
    return exchange(call, { body, signal, timeoutMs });
  };
  return {
    async send(sending) {
      const first = await once(sending);
      // The receiver closed a kept-alive connection while the request was written: that says nothing about the
      // receiver.
      const isStale = first.outcome.kind === 'failure' && first.wasKept && STALE.has(first.outcome.code);
      return isStale && !sending.signal.aborted ? (await once(sending)).outcome : first.outcome;
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

/** The errors of a connection that the peer has closed. */
const STALE: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

interface Exchanged {
  readonly outcome: Outcome;
  /** It used a connection that existed before. */
  readonly wasKept: boolean;
}

function exchange(
  call: http.ClientRequest,
  { body, signal, timeoutMs }: { body: Buffer; signal: AbortSignal; timeoutMs: number },
): Promise<Exchanged> {
  return new Promise((resolve) => {
    const cut = (code: string) => call.destroy(Object.assign(new Error(code), { code }));
    const abort = () => cut('ABORTED');
    const timer = setTimeout(cut, timeoutMs, 'TIMEOUT');
    const end = (outcome: Outcome) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      resolve({ outcome, wasKept: call.reusedSocket });
    };
    call.on('error', (error: NodeJS.ErrnoException) => end({ kind: 'failure', code: error.code ?? 'UNKNOWN' }));
    call.once('response', (response) => {
      clearTimeout(timer);
      void readAnswer(call, response).then(end);
    });
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    call.end(body);
  });
}

/** The status decides: a body that is too long, or does not end, changes nothing. Never rejects. */
function readAnswer(call: http.ClientRequest, response: http.IncomingMessage): Promise<Outcome> {
  const { statusCode: status = 0, headers } = response;
  const one = (name: string) => (typeof headers[name] === 'string' ? headers[name] : null);
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      if (!response.complete) call.destroy();
      resolve({
        kind: 'answer',
        status,
        retryAfter: one('retry-after'),
        directive: one('webhook-delivery'),
        text: readable(Buffer.concat(chunks)),
      });
    };
    const timer = setTimeout(end, BODY_WAIT_MS);
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > READ_BYTES) end();
    });
    response.once('end', end).once('error', end).once('close', end);
  });
}

/** Text of an external system: reduced to one line without control characters. */
function readable(bytes: Buffer): string {
  return bytes
    .subarray(0, READ_BYTES)
    .toString('utf8')
    .replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029\uFFFD]+/gu, ' ')
    .trim()
    .slice(0, KEPT_CHARACTERS);
}
