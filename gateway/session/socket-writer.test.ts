import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { frame } from '../fanout/round.ts';
import { until } from '../../testing/until.ts';
import { SocketWriter } from './socket-writer.ts';

/** Both ends of a real connection; the client reads nothing while it is paused. */
async function connect(t: TestContext) {
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = new Promise<SocketWriter>((resolve) => {
    server.on('upgrade', (request, socket, head) => {
      webSockets.handleUpgrade(request, socket, head, (webSocket) =>
        resolve(new SocketWriter(socket as Socket, webSocket)),
      );
    });
  });
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.after(() => {
    client.terminate();
    server.closeAllConnections();
    server.close();
  });
  const received: string[] = [];
  client.on('message', (message: Buffer) => received.push(message.toString()));
  await once(client, 'open');
  return { writer: await accepted, client, received };
}

/** One frame in a buffer that is overwritten as soon as it is given back. */
function pooled(text: string) {
  const { buffer: chunk } = frame([Buffer.from(text)], null);
  const state = { chunk, released: 0, release: () => {} };
  state.release = () => {
    state.released += 1;
    chunk.fill('!');
  };
  return state;
}

const LARGE = 'x'.repeat(16 * 1024 * 1024);

test('a pooled buffer goes back at once when the kernel takes it whole', async (t) => {
  const { writer, received } = await connect(t);
  const one = pooled('one');
  writer.write(one.chunk, one.release);
  assert.equal(one.released, 1);
  await until('1 message received', () => received.length, { holds: (seen) => seen === 1 });
  assert.deepEqual(received, ['one']);
});

test('a pooled buffer that the kernel took a part of goes back when it has the rest, as do those behind it', async (t) => {
  const { writer, client, received } = await connect(t);
  client.pause();
  const [large, small] = [pooled(LARGE), pooled('small')];
  writer.write(large.chunk, large.release);
  writer.write(small.chunk, small.release);
  assert.ok(writer.queued > 0);
  assert.deepEqual([large.released, small.released], [0, 0]);
  client.resume();
  await until('2 messages received', () => received.length, { holds: (seen) => seen === 2 });
  assert.ok(received[0] === LARGE, 'the large frame came as it was written');
  assert.equal(received[1], 'small');
  await until('both messages released', () => large.released > 0 && small.released > 0);
});

test('a pooled buffer goes back when the connection ends with it', async (t) => {
  const { writer, client } = await connect(t);
  client.pause();
  const [large, late] = [pooled(LARGE), pooled('late')];
  writer.write(large.chunk, large.release);
  client.terminate();
  await until('a released large message', () => large.released, { holds: (seen) => seen > 0 });
  writer.write(late.chunk, late.release);
  await until('a released late message', () => late.released, { holds: (seen) => seen > 0 });
});
