/**
 * Cost of compression with a window for each connection, as in other WebSocket servers: the yardstick of P14.
 * Arguments: the file of events (event-file.ts). Prints {"port":N}; on "start" sends 32 events at a time to every
 * connection.
 */
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { WebSocketServer, type WebSocket } from 'ws';

const BATCH = 32;
const lines = (await readFile(process.argv[2] ?? '', 'utf8')).trimEnd().split('\n');
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: true });
server.on('connection', (socket) => socket.on('error', () => socket.terminate()));
server.on('listening', () => {
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);
});

/** Settles when the socket has taken it, or is gone. */
const send = (socket: WebSocket, event: Buffer) =>
  new Promise<void>((resolve) => socket.send(event, { binary: false }, () => resolve()));

let sequence = 0;
function nextEvent(): Buffer {
  sequence += 1;
  return Buffer.from(`{"Bench-Seq":${sequence},"Bench-Sent":0,${lines[sequence % lines.length] ?? ''}`);
}

for await (const line of createInterface({ input: process.stdin })) if (line === 'start') break;
for (;;) {
  const events = Array.from({ length: BATCH }, nextEvent);
  await Promise.all([...server.clients].flatMap((socket) => events.map((event) => send(socket, event))));
}
