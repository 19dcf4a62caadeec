import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import { startFakeEventSocket } from '../freeswitch/testing/fake-event-socket.ts';
import type { SwitchEvent } from '../mapper.ts';

/**
 * The far end of a connection to a switch: sends everything at once to each client that subscribes. Resolves with its
 * port.
 */
export type SwitchFeed = (events: readonly SwitchEvent[]) => Promise<number>;

const FACTS = 'Challenge: 1\r\nCoreStartupDate: d\r\nCoreStartupTime: t\r\nAsteriskVersion: 22';
const ARI_ANSWERS: Readonly<Record<string, unknown>> = {
  '/ari/asterisk/info': { system: { version: '22' }, status: { startup_time: 't' } },
  '/ari/channels': [],
  '/ari/bridges': [],
};

/** A manager interface. */
export const feedAmi: SwitchFeed = (events) => {
  const stream = Buffer.from(events.map(amiMessage).join(''));
  const answer = (socket: Socket, text: string) => {
    for (const [, id = ''] of text.matchAll(/ActionID: (\S+)/g)) {
      socket.write(`Response: Success\r\nActionID: ${id}\r\n${FACTS}\r\n\r\n`);
    }
    if (text.includes('EventMask')) socket.write(stream);
  };
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.write('Asterisk Call Manager/11.0.0\r\n');
    socket.on('data', (chunk: Buffer) => answer(socket, chunk.toString()));
  });
  return listening(server.listen(0, '127.0.0.1'));
};

/** A REST interface with its WebSocket. */
export const feedAri: SwitchFeed = (events) => {
  const texts = events.map((event) => JSON.stringify(event));
  const server = createHttpServer((request, response) => {
    response.end(JSON.stringify(ARI_ANSWERS[request.url ?? ''] ?? {}));
  });
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  sockets.on('connection', (socket) => {
    socket.on('error', () => socket.terminate());
    for (const text of texts) socket.send(text);
  });
  return listening(server.listen(0, '127.0.0.1'));
};

/** An event socket. */
export const feedEsl: SwitchFeed = async (events) => {
  const api = (command: string) => (command.startsWith('show ') ? '{"row_count":0}' : '1.11');
  const { port } = await startFakeEventSocket({ events, api });
  return port;
};

async function listening(server: Server): Promise<number> {
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function amiMessage(event: SwitchEvent): string {
  const lines = Object.entries(event).flatMap(([key, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => `${key}: ${String(one)}\r\n`),
  );
  return `${lines.join('')}\r\n`;
}
