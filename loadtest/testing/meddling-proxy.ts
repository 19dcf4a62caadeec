import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';

/** An HTTP answer of the proxy. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Deliberate faults of a gateway. */
export interface Meddling {
  /** Created for each connection: gets every event, and a function that sends a text on to the client. */
  readonly events?: (target: string) => (text: string, send: (text: string) => void) => void;
  /** Called at each handshake: an answer instead of it, or null. */
  readonly handshake?: () => Answer | null;
  readonly login?: (answer: Answer) => Answer;
}

export interface MeddlingProxy extends AsyncDisposable {
  readonly url: string;
}

/** `closeTimeout` is newer than the published types. */
const WEB_SOCKETS = { noServer: true, perMessageDeflate: false, closeTimeout: 1_000 };

/** Stands before a plain-HTTP gateway and does what a gateway must never do. */
export async function startMeddlingProxy(upstream: string, meddling: Meddling): Promise<MeddlingProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((from, to) => void passOn(upstream, { from, to, meddling }));
  const webSockets = new WebSocketServer(WEB_SOCKETS);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (from, socket: Socket, head) => {
    socket.on('error', () => socket.destroy());
    const refusal = meddling.handshake?.() ?? null;
    if (refusal !== null) return void socket.end(rawAnswer(refusal));
    webSockets.handleUpgrade(from, socket, head, (client) => bridge(upstream, { client, from, meddling }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function bridge(
  upstream: string,
  { client, from, meddling }: { client: WebSocket; from: IncomingMessage; meddling: Meddling },
): void {
  const target = from.url ?? '';
  const { authorization = '' } = from.headers;
  const gateway = new WebSocket(`${upstream.replace(/^http/, 'ws')}${target}`, {
    headers: { authorization },
    perMessageDeflate: false,
  });
  const meddle = meddling.events?.(target) ?? ((text, send) => send(text));
  const waiting: string[] = [];
  const send = (text: string) => client.readyState === WebSocket.OPEN && client.send(text);
  gateway.on('open', () => {
    for (const text of waiting.splice(0)) gateway.send(text);
  });
  gateway.on('message', (data) => {
    const text = (data as Buffer).toString();
    if (text.startsWith('{"_firehose":')) send(text);
    else meddle(text, send);
  });
  client.on('message', (data) => {
    const text = (data as Buffer).toString();
    if (gateway.readyState === WebSocket.OPEN) gateway.send(text);
    else waiting.push(text);
  });
  for (const [one, other] of [
    [gateway, client],
    [client, gateway],
  ] as const) {
    one.on('error', () => other.terminate());
    one.on('close', (code, reason) =>
      other.close(code >= 1000 && code !== 1005 && code !== 1006 ? code : 1000, reason),
    );
  }
}

/** A request that is not an upgrade is forwarded whole in both directions. */
async function passOn(
  upstream: string,
  { from, to, meddling }: { from: IncomingMessage; to: ServerResponse; meddling: Meddling },
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of from) chunks.push(chunk as Buffer);
  const onward = request(`${upstream}${from.url ?? ''}`, { method: from.method ?? 'GET', headers: from.headers });
  onward.end(Buffer.concat(chunks));
  const [answer] = (await once(onward, 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of answer) body += String(chunk);
  const headers = Object.fromEntries(
    Object.entries(answer.headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
  delete headers['content-length'];
  delete headers['transfer-encoding'];
  const given = { status: answer.statusCode ?? 502, headers, body };
  const told = meddling.login?.(given) ?? given;
  to.writeHead(told.status, told.headers).end(told.body);
}

function rawAnswer({ status, headers, body }: Answer): string {
  const lines = Object.entries({ ...headers, 'Content-Length': String(body.length), Connection: 'close' });
  return `HTTP/1.1 ${status} Refused\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
}

/** Loses one event in this many. */
export const dropping = (every: number): Meddling => ({
  events: () => {
    let count = 0;
    return (text, send) => {
      if (++count % every !== 0) send(text);
    };
  },
});

/** Sends one event in this many twice. */
export const doubling = (every: number): Meddling => ({
  events: () => {
    let count = 0;
    return (text, send) => {
      send(text);
      if (++count % every === 0) send(text);
    };
  },
});

/** Sends one event in this many after the next one of its call. */
export const swapping = (every: number): Meddling => ({
  events: () => {
    let count = 0;
    let held: { call: string; text: string } | null = null;
    return (text, send) => {
      const call = /"Call-ID":"([^"]*)"/.exec(text)?.[1] ?? '';
      if (held === null && ++count % every === 0) {
        held = { call, text };
        return;
      }
      send(text);
      if (held?.call !== call) return;
      send(held.text);
      held = null;
    };
  },
});

/** Loses the first event after a resume. */
export const resumingTooLate: Meddling = {
  events: (target) => {
    let isFirst = target.includes('cursor=');
    return (text, send) => {
      if (!isFirst) send(text);
      isFirst = false;
    };
  },
};
