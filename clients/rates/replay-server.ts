/** Sends the same events to each connection as fast as it accepts them, and ends it like a replay. Prints its port. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { createSimulator } from '../../protocol/simulator/simulator.ts';

const EVENTS = Number(process.argv[2]);
const HIGH_WATER = 1_048_576;
const START = 1_763_979_370_000;

/** Events of the simulator as the control contract sends them. */
function makeMessages(): string[] {
  const account = { id: 'north', name: 'north', realm: 'north.sip.example.com' };
  const simulator = createSimulator({ seed: 3, accounts: [account], callsPerSecond: 20, startAt: START });
  const bodies = simulator.next(START + 60_000).map(({ json }) => json.slice(0, -1));
  return Array.from({ length: EVENTS }, (_, n) => {
    const meta = { id: `0:${START + n}-0`, cursor: `c${n}`.padEnd(60, 'x'), account_id: 'north' };
    const rest = { ingested_at: '2026-11-30T10:00:00.000000Z', traceparent: null };
    return `${bodies[n % bodies.length]},"_firehose":${JSON.stringify({ ...meta, ...rest })}}`;
  });
}

async function play(socket: WebSocket, messages: readonly string[]): Promise<void> {
  socket.send('{"_firehose":{"type":"hello","cursor":"c"}}');
  for (const message of messages) {
    if (socket.bufferedAmount > HIGH_WATER) await new Promise<void>((resolve) => socket.send(message, () => resolve()));
    else socket.send(message);
  }
  socket.close(1000, '{"e":"replay_done"}');
}

const messages = makeMessages();
const server = createServer((_, response) => response.end('{"access_token":"token"}'));
new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket) => void play(socket, messages));
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
