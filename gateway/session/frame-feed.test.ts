import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:net';
import { test } from 'node:test';
import { WebSocketServer } from 'ws';
import { clientFrame, upgradeRequest } from '../testing/raw-client.ts';
import { until } from '../../testing/until.ts';
import { feedInPieces } from './frame-feed.ts';

const PONG = 10;
const LIMIT = { timeout: 20_000 };
/** An empty frame has six bytes. */
const FLOOD = Buffer.concat(Array.from({ length: 10_000 }, () => clientFrame(PONG)));

/** Counts the parsed pongs, and stops at `most`. Nothing is read before `begin`. */
async function openCounter(most: number) {
  const counted = { pongs: 0, texts: [] as string[], buffered: () => 0, cutOff: () => {}, isClosed: false };
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket: Socket, head) => {
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const reader = {
        get mayRead() {
          return counted.pongs < most;
        },
      };
      feedInPieces(socket, reader);
      counted.buffered = () => socket.readableLength;
      counted.cutOff = () => webSocket.terminate();
      webSocket.on('pong', () => {
        counted.pongs += 1;
        if (counted.pongs === most) webSocket.pause();
      });
      webSocket.on('message', (text: Buffer) => counted.texts.push(text.toString()));
      webSocket.on('close', () => (counted.isClosed = true));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  return {
    counted,
    client,
    async [Symbol.asyncDispose]() {
      client.destroy();
      server.close();
      server.closeAllConnections();
    },
  };
}

test('parsing stops within a read, and what is buffered is not parsed when the connection ends', LIMIT, async () => {
  await using feed = await openCounter(120);
  const { counted, client } = feed;
  client.write(Buffer.concat([Buffer.from(upgradeRequest('any')), FLOOD]));
  await until('the 120th pong', () => counted.pongs >= 120);
  client.write(FLOOD);
  await until('bytes that nobody reads', () => counted.buffered() > 1_000);
  counted.cutOff();
  await until('the end of the connection', () => counted.isClosed);
  assert.ok(counted.pongs < 120 + 171, `${counted.pongs} pongs were parsed`);
});

test('frames of any size arrive whole, whatever pieces they come in', LIMIT, async () => {
  await using feed = await openCounter(Number.POSITIVE_INFINITY);
  const { counted, client } = feed;
  const texts = [0, 1, 125, 126, 1_017, 1_024, 5_000, 70_000].map((length) => 'x'.repeat(length));
  client.write(Buffer.concat([Buffer.from(upgradeRequest('any')), ...texts.map((text) => clientFrame(1, text))]));
  await until('all texts', () => counted.texts.length === texts.length);
  assert.deepEqual(
    counted.texts.map(({ length }) => length),
    texts.map(({ length }) => length),
  );
});
