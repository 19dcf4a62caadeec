import { X509Certificate } from 'node:crypto';
import { request as plainRequest } from 'node:http';
import { request, type RequestOptions } from 'node:https';
import { FirehoseError } from './errors.ts';
import { isUntrusted, parsedOrNull, type LoginAnswer, type Transport } from './transport.ts';

const CLOSE_LIMIT_MS = 500;
/** An event has 64 KiB at most: a longer message never comes from a gateway, and would fill the memory. */
const MOST_BYTES = 1_048_576;

/** Which certificates are accepted. */
export interface Trust {
  /** Certificate authorities, PEM; those of Node.js when undefined. */
  readonly ca: string | Uint8Array | undefined;
  /** Any certificate. */
  readonly insecure: boolean;
}

/** The part of the package `ws` that is used. */
interface WsSocket {
  on(event: string, listener: (...args: never[]) => void): unknown;
  send(text: string): void;
  close(): void;
  terminate(): void;
  pause(): void;
  resume(): void;
}
type WsClass = new (url: string, options: object) => WsSocket;

interface Refusal {
  readonly statusCode?: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/**
 * Node.js with a private certificate authority: `https` and the package `ws`, whose socket can also pause. Rejects when
 * `ws` is not installed.
 */
export async function nodeTransport(trust: Trust): Promise<Transport> {
  const WebSocketOfNode = await loadWs();
  const tls = { ...(trust.ca !== undefined && { ca: authorityOf(trust.ca) }), rejectUnauthorized: !trust.insecure };
  return {
    login: (url, body, { bearer, signal }) => post(url, body, { bearer, options: { ...tls, signal } }),
    open(url, token, events) {
      const headers = { Authorization: `Bearer ${token}` };
      const socket = new WebSocketOfNode(url, { ...tls, headers, maxPayload: MOST_BYTES });
      let untrusted = false;
      let refusal: { status: number; retryAfter: string | null } | undefined;
      socket.on('open', () => events.open());
      socket.on('message', (data: Uint8Array, isBinary: boolean) => {
        if (!isBinary) events.message(data.toString());
      });
      // A status from a proxy in front of the gateway: the gateway itself accepts and closes.
      socket.on('unexpected-response', (_request: unknown, { statusCode = 0, headers }: Refusal) => {
        refusal = { status: statusCode, retryAfter: headers['retry-after'] ?? null };
        socket.terminate();
      });
      // `close` follows at once, without waiting for the peer. A message that is too long is such an error, too.
      socket.on('error', (error: unknown) => {
        untrusted = isUntrusted(error);
        socket.terminate();
      });
      socket.on('close', (code: number, reason: Uint8Array) =>
        events.closed(code, reason.toString(), { untrusted, ...(refusal !== undefined && { refusal }) }),
      );
      return {
        send: (text) => socket.send(text),
        close() {
          socket.close();
          setTimeout(() => socket.terminate(), CLOSE_LIMIT_MS).unref();
        },
        pause: () => socket.pause(),
        resume: () => socket.resume(),
      };
    },
  };
}

/** Throws a FirehoseError when it is not a certificate: every connection with it would fail. */
function authorityOf(ca: string | Uint8Array): Buffer {
  const authority = Buffer.from(ca);
  if (isCertificate(authority)) return authority;
  throw new FirehoseError('invalid_option', 'ca: must be a certificate as PEM');
}

/** Whether the first block is a certificate. */
function isCertificate(pem: Buffer): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

async function loadWs(): Promise<WsClass> {
  // A variable, so that bundlers for browsers do not search for it.
  const name = 'ws';
  try {
    return ((await import(name)) as { WebSocket: WsClass }).WebSocket;
  } catch (cause) {
    throw new FirehoseError(
      'invalid_option',
      'ca and insecure need the package ws: install it, or leave them out and set NODE_EXTRA_CA_CERTS',
      { cause },
    );
  }
}

function post(
  url: string,
  body: string,
  { bearer, options }: { bearer: string | null; options: RequestOptions },
): Promise<LoginAnswer> {
  const headers: Record<string, string> = { 'Content-Type': 'application/json' };
  if (bearer !== null) headers['Authorization'] = `Bearer ${bearer}`;
  const ask = url.startsWith('http:') ? plainRequest : request;
  return new Promise((resolve, reject) => {
    const asked = ask(url, { ...options, method: 'POST', headers }, (answer) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes > MOST_BYTES) answer.destroy(new Error('the answer to the login is too long'));
        else parts.push(part);
      });
      answer.on('error', reject);
      answer.on('end', () => {
        const retryAfter = answer.headers['retry-after'] ?? null;
        resolve({ status: answer.statusCode ?? 0, retryAfter, body: parsedOrNull(Buffer.concat(parts).toString()) });
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}
