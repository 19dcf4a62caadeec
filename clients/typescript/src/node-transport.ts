import { request } from 'node:https';
import { FirehoseError } from './errors.ts';
import { isUntrusted, parsedOrNull, type LoginAnswer, type Transport } from './transport.ts';

const CLOSE_LIMIT_MS = 500;

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

/**
 * Node.js with an authority of one's own: `https` and the package `ws`, whose socket can also stop reading. Rejects
 * when `ws` is not installed.
 */
export async function nodeTransport(ca: string | Uint8Array): Promise<Transport> {
  const WebSocketOfNode = await loadWs();
  return {
    login: (url, body, { bearer, signal }) => post(url, body, { ca, bearer, signal }),
    open(url, token, events) {
      const socket = new WebSocketOfNode(url, { ca, headers: { Authorization: `Bearer ${token}` } });
      let untrusted = false;
      socket.on('open', () => events.open());
      socket.on('message', (data: Uint8Array, isBinary: boolean) => {
        if (!isBinary) events.message(data.toString());
      });
      // `close` follows.
      socket.on('error', (error: unknown) => (untrusted = isUntrusted(error)));
      socket.on('close', (code: number, reason: Uint8Array) => events.closed(code, reason.toString(), untrusted));
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

async function loadWs(): Promise<WsClass> {
  // A variable: bundlers for browsers must not look for it.
  const name = 'ws';
  try {
    return ((await import(name)) as { WebSocket: WsClass }).WebSocket;
  } catch (cause) {
    throw new FirehoseError(
      'invalid_option',
      'ca needs the package ws: install it, or leave ca out and set NODE_EXTRA_CA_CERTS',
      { cause },
    );
  }
}

function post(
  url: string,
  body: string,
  { ca, bearer, signal }: { ca: string | Uint8Array; bearer: string | null; signal: AbortSignal },
): Promise<LoginAnswer> {
  const headers: Record<string, string> = { 'Content-Type': 'application/json' };
  if (bearer !== null) headers['Authorization'] = `Bearer ${bearer}`;
  return new Promise((resolve, reject) => {
    const asked = request(url, { method: 'POST', ca: [Buffer.from(ca)], headers, signal }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
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
