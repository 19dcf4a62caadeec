import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { frame } from '../fanout/frames.ts';
import { until } from '../../testing/until.ts';
import type { CertificatePem } from '../../runtime/certificates/certificate.ts';
import { openStateFolder } from '../state/state-folder.ts';
import { selfSigned } from '../tls/self-signed.ts';
import { SocketWriter } from './socket-writer.ts';

/** Both ends of a real connection; the client reads nothing while it is paused. */
async function connect(t: TestContext, certificate: CertificatePem | null = null) {
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const server = (certificate === null ? createServer() : createTlsServer(certificate)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = new Promise<{ writer: SocketWriter; socket: Socket }>((resolve) => {
    server.on('upgrade', (request, stream, head) => {
      const socket = stream as Socket;
      webSockets.handleUpgrade(request, socket, head, (webSocket) =>
        resolve({ writer: new SocketWriter(socket, webSocket), socket }),
      );
    });
  });
  const scheme = certificate === null ? 'ws' : 'wss';
  const { port } = server.address() as AddressInfo;
  const client = new WebSocket(`${scheme}://127.0.0.1:${port}`, { rejectUnauthorized: false });
  t.after(() => {
    client.terminate();
    server.closeAllConnections();
    server.close();
  });
  const received: string[] = [];
  client.on('message', (message: Buffer) => received.push(message.toString()));
  await once(client, 'open');
  return { ...(await accepted), client, received };
}

async function certificateOf(t: TestContext): Promise<CertificatePem> {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-writer-'));
  t.after(() => rm(folder, { recursive: true }));
  return selfSigned(await openStateFolder(folder), Date.now());
}

/** One frame in a buffer that is overwritten as soon as it is released. */
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

test('under TLS what waits counts twice: its encrypted copy is kept as well', async (t) => {
  const { writer, client, socket } = await connect(t, await certificateOf(t));
  client.pause();
  writer.write(frame([Buffer.from(LARGE)], null).buffer, null);
  assert.ok(writer.queued >= 2 * LARGE.length, `${writer.queued}`);
  assert.equal(writer.queued, 2 * socket.writableLength);
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
