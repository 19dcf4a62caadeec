import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import type { Certificates } from '../../testing/certificates.ts';

/** An answer to a login or a handshake that replaces the gateway's. */
interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
}

interface SeenLogin {
  readonly at: number;
  readonly bearer: string | null;
  readonly body: Readonly<Record<string, unknown>>;
}

/** More than eight members: what a case reads of a connection, and what it does to one. */
interface SeenConnection {
  readonly at: number;
  readonly query: URLSearchParams;
  /** Frames that the client sent. */
  readonly sent: Readonly<Record<string, unknown>>[];
  /** Messages of the gateway so far, frames and events. */
  readonly received: string[];
  /** When it ended; null while it is open. */
  endedAt: number | null;
  /** Sends a frame to the client as if it came from the gateway. */
  inject(frame: object): void;
  /** A text that is not a frame. */
  say(text: string): void;
  close(code: number, word?: string): void;
  /** Like a cable that is pulled. */
  cut(): void;
  /** Nothing gets through in either direction, and nothing is closed. */
  stall(): void;
}

/**
 * Replacements for the gateway's behaviour. Each is called with the number of the login, connection or message, from 0.
 */
interface Script {
  login: (n: number) => Answer | 'cut' | null;
  handshake: (n: number) => Answer | 'cut' | null;
  /** Messages that the client gets instead of this one. */
  message: (text: string, n: number) => readonly string[];
  /** Whether a frame of the client reaches the gateway. */
  frame: (frame: Readonly<Record<string, unknown>>, n: number) => boolean;
}

/**
 * Between a client and a real gateway, over TLS: forwards logins, handshakes and messages, records them, and injects
 * the faults of a case, as the worst networks, proxies and replicas do.
 */
export interface ScriptedProxy extends AsyncDisposable {
  readonly url: string;
  readonly logins: readonly SeenLogin[];
  readonly connections: readonly SeenConnection[];
  readonly script: Script;
  /** The newest connection. */
  readonly last: SeenConnection;
}

const HIGH_WATER = 1_048_576;

export async function startScriptedProxy(gatewayPort: number, certificates: Certificates): Promise<ScriptedProxy> {
  const [cert, key] = await Promise.all([readFile(certificates.certFile), readFile(certificates.keyFile)]);
  const logins: SeenLogin[] = [];
  const connections: SeenConnection[] = [];
  const script: Script = {
    login: () => null,
    handshake: () => null,
    message: (text) => [text],
    frame: () => true,
  };
  const sockets = new Set<Socket>();
  const server = createServer({ cert, key });
  const accepting = new WebSocketServer({ noServer: true });
  let handshakes = 0;
  server.on('secureConnection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('request', (asked: IncomingMessage, response: ServerResponse) => {
    void forward(asked, response, { gatewayPort, script, logins });
  });
  server.on('upgrade', (asked: IncomingMessage, socket: Socket, head: Buffer) => {
    const answer = script.handshake(handshakes++);
    if (answer === 'cut') return void socket.destroy();
    if (answer !== null) return void socket.end(refusal(answer));
    accepting.handleUpgrade(asked, socket, head, (client) => {
      connections.push(relay(client, { asked, gatewayPort, script, n: connections.length }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    logins,
    connections,
    script,
    get last() {
      const newest = connections.at(-1);
      if (newest === undefined) throw new Error('no connection yet');
      return newest;
    },
    async [Symbol.asyncDispose]() {
      for (const connection of connections) connection.cut();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function forward(
  asked: IncomingMessage,
  response: ServerResponse,
  { gatewayPort, script, logins }: { gatewayPort: number; script: Script; logins: SeenLogin[] },
): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of asked) parts.push(part as Buffer);
  const body = Buffer.concat(parts);
  const bearer = /^Bearer (.*)$/.exec(asked.headers.authorization ?? '')?.[1] ?? null;
  if (asked.method === 'POST') {
    const answer = script.login(logins.length);
    logins.push({ at: performance.now(), bearer, body: JSON.parse(body.toString()) as SeenLogin['body'] });
    if (answer === 'cut') return void response.destroy();
    if (answer !== null) {
      const { status, headers = {}, body: own = {} } = answer;
      response.writeHead(status, { 'Content-Type': 'application/problem+json', ...headers });
      return void response.end(JSON.stringify(own));
    }
  }
  const target = { port: gatewayPort, host: '127.0.0.1', path: asked.url, method: asked.method };
  const { authorization } = asked.headers;
  const headers = authorization === undefined ? {} : { authorization };
  const upstream = request({ ...target, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  upstream.on('error', () => response.destroy());
  upstream.end(body);
}

function refusal({ status, headers = {}, body = {} }: Answer): string {
  const lines = Object.entries({ ...headers, Connection: 'close' }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Refused\r\n${lines.join('')}\r\n${JSON.stringify(body)}`;
}

interface Relay {
  readonly asked: IncomingMessage;
  readonly gatewayPort: number;
  readonly script: Script;
  readonly n: number;
}

function relay(client: WebSocket, { asked, gatewayPort, script, n }: Relay): SeenConnection {
  const { authorization } = asked.headers;
  const upstream = new WebSocket(`ws://127.0.0.1:${gatewayPort}${asked.url}`, {
    headers: { ...(authorization !== undefined && { authorization }) },
  });
  let isStalled = false;
  const waiting: string[] = [];
  const send = (text: string) => {
    if (isStalled || client.readyState !== WebSocket.OPEN) return;
    client.send(text);
    if (client.bufferedAmount < HIGH_WATER || upstream.isPaused) return;
    upstream.pause();
    const looking = setInterval(() => {
      if (client.bufferedAmount >= HIGH_WATER / 2 && client.readyState === WebSocket.OPEN) return;
      clearInterval(looking);
      upstream.resume();
    }, 20);
  };
  const seen: SeenConnection = {
    at: performance.now(),
    query: new URL(asked.url ?? '', 'http://proxy').searchParams,
    sent: [],
    received: [],
    endedAt: null,
    inject: (frame) => send(JSON.stringify({ _firehose: frame })),
    say: send,
    close: (code, word) => client.close(code, word === undefined ? '' : JSON.stringify({ e: word })),
    cut: () => client.terminate(),
    stall() {
      isStalled = true;
      asked.socket.pause();
    },
  };
  upstream.on('open', () => {
    for (const text of waiting) upstream.send(text);
  });
  upstream.on('message', (data: Buffer) => {
    const text = data.toString();
    seen.received.push(text);
    for (const one of script.message(text, n)) send(one);
  });
  upstream.on('close', (code, reason) => client.close(isSendable(code) ? code : 1011, reason.toString()));
  upstream.on('error', () => client.terminate());
  client.on('message', (data: Buffer) => {
    const frame = JSON.parse(data.toString()) as SeenConnection['sent'][number];
    seen.sent.push(frame);
    if (!script.frame(frame, n)) return;
    if (upstream.readyState === WebSocket.OPEN) upstream.send(data.toString());
    else waiting.push(data.toString());
  });
  client.on('error', () => client.terminate());
  client.on('close', () => {
    seen.endedAt = performance.now();
    upstream.terminate();
  });
  return seen;
}

function isSendable(code: number): boolean {
  return code === 1_000 || (code >= 1_001 && code <= 1_014 && ![1_004, 1_005, 1_006].includes(code)) || code >= 3_000;
}
