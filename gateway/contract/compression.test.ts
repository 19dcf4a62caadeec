import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { constants, deflateRawSync } from 'node:zlib';
import { WebSocket as WsClient, type ClientOptions } from 'ws';
import { STREAM_PATH } from '../../protocol/paths.ts';
import { until } from '../../testing/until.ts';
import { clientFrame, closeCode, exchange, upgradeRequest } from '../testing/raw-client.ts';
import { startGateway, type RunningGateway } from '../testing/running-gateway.ts';

const LIMIT = { timeout: 120_000 };
const MIB = 1024 * 1024;
const TEXT = 1;
const RSV1 = 4;

const line = (n: number) =>
  JSON.stringify({
    'Event-Name': 'CHANNEL_ANSWER',
    // One call, because order is kept within a call.
    'Call-ID': 'c@10.0.0.1',
    'Bridge-ID': createHash('md5').update(String(n)).digest('hex'),
    'Account-ID': 'account_id_1',
    'Caller-ID-Number': '+15550100',
    'Custom-Channel-Vars': { 'Authorizing-ID': 'device', 'Owner-ID': 'owner', Realm: 'acme.sip.example.com' },
    n,
  });

/** Everything that a client has received, and its negotiated extension. */
interface Received {
  readonly texts: string[];
  readonly extensions: string;
  readonly bytes: () => number;
  readonly socket: WsClient;
}

/** Every test names the client that it represents; `compression-clients.e2e.test.ts` has clients in other languages. */
describe('compression on the wire', () => {
  let running: RunningGateway;
  let token: string;
  let sent = 0;
  const open: WsClient[] = [];
  before(async () => {
    running = await startGateway({ plain: true });
    token = await running.token();
  });
  after(async () => {
    for (const socket of open) socket.terminate();
    await running[Symbol.asyncDispose]();
  });

  const url = (more = '') => `ws://127.0.0.1:${running.gateway.port}${STREAM_PATH}?token=${token}${more}`;
  const publish = async (events: number) => {
    const lines = Array.from({ length: events }, () => line((sent += 1)));
    assert.equal((await running.ingest(lines.join('\n'))).body['accepted'], events);
    return lines;
  };

  async function connect(options: ClientOptions = {}, more = ''): Promise<Received> {
    const socket = new WsClient(url(more), options);
    open.push(socket);
    const texts: string[] = [];
    socket.on('message', (data) => texts.push((data as Buffer).toString()));
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const { _socket: raw } = socket as unknown as { _socket: { bytesRead: number } };
    return { texts, extensions: socket.extensions, bytes: () => raw.bytesRead, socket };
  }

  test('D1: ws, with every choice that it has, gets the exact texts; without the extension too', async () => {
    const offers: ClientOptions[] = [
      ...Array.from({ length: 10 }, () => ({})),
      { perMessageDeflate: { serverNoContextTakeover: true } },
      { perMessageDeflate: { clientNoContextTakeover: true, clientMaxWindowBits: 10 } },
      { perMessageDeflate: { serverMaxWindowBits: 10 } },
      { perMessageDeflate: false },
    ];
    const clients = await Promise.all(offers.map(async (options) => connect(options)));
    const expected: string[] = [];
    for (let round = 0; round < 60; round += 1) {
      expected.push(...(await publish(20)));
      if (round % 20 === 0) clients.push(await connect());
    }
    for (const { texts } of clients.slice(0, offers.length)) {
      await until('every event has arrived', () => texts.length === expected.length);
      assert.deepEqual(texts, expected);
    }
    for (const { texts } of clients.slice(offers.length)) {
      await until('the newest event has arrived', () => texts.at(-1) === expected.at(-1));
      assert.deepEqual(texts, expected.slice(-texts.length));
    }
    const [shared, , forgets, smallWindow, raw] = [0, 1, 10, 12, 13].map((at) => clients[at]);
    assert.ok(shared && forgets && smallWindow && raw);
    assert.equal(shared.extensions, 'permessage-deflate');
    assert.equal(smallWindow.extensions, '');
    assert.equal(raw.extensions, '');
    assert.ok(shared.bytes() < forgets.bytes() && forgets.bytes() < raw.bytes());
  });

  test("D1: Node's own WebSocket gets the exact texts", async () => {
    const texts: string[] = [];
    const socket = new WebSocket(url());
    socket.addEventListener('message', ({ data }) => texts.push(String(data)));
    await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
    assert.match(socket.extensions, /permessage-deflate/);
    const expected: string[] = [];
    for (let round = 0; round < 20; round += 1) expected.push(...(await publish(20)));
    await until('every event has arrived', () => texts.length === expected.length);
    socket.close();
    assert.deepEqual(texts, expected);
  });

  test('D1: changed filters, a slow spell and a resume', async () => {
    const client = await connect({}, '&v=1');
    const events = () => client.texts.filter((text) => text.includes('"n":'));
    const first = await publish(50);
    await until('the first events', () => events().length === first.length);
    for (const accounts of [['account_id_2'], ['account_id_1'], null, ['account_id_1']]) {
      const before = client.texts.length;
      client.socket.send(JSON.stringify({ filter: { accounts, events: null } }));
      await until('the filter', () => client.texts.slice(before).some((text) => text.includes('"type":"filter"')));
      const got = events().length;
      await publish(30);
      if (accounts?.[0] !== 'account_id_2') await until('events', () => events().length === got + 30);
    }
    client.socket.pause();
    const during = await publish(400);
    client.socket.resume();
    await until(
      'what came meanwhile',
      () =>
        events()
          .at(-1)
          ?.startsWith((during.at(-1) ?? '').slice(0, -1)) === true,
    );
    const { cursor } = (JSON.parse(events()[20] ?? '') as { _firehose: { cursor: string } })._firehose;
    const again = await connect({}, `&cursor=${cursor}`);
    await until('the newest event', () => again.texts.at(-1) === during.at(-1));
    assert.deepEqual(again.texts.slice(0, 29), first.slice(21));
  });

  test('D5: a message that inflates to more than may be sent ends with 1009, and costs little memory', async () => {
    const bomb = deflateRawSync(Buffer.alloc(3 * MIB, 'x'), { finishFlush: constants.Z_SYNC_FLUSH });
    assert.ok(bomb.length < 4_096);
    const offer = 'Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n';
    const request = upgradeRequest(token).replace(/\r\n\r\n$/, `\r\n${offer}`);
    const before = process.memoryUsage();
    for (let times = 0; times < 5; times += 1) {
      const received = await exchange(
        running.gateway.port,
        Buffer.concat([Buffer.from(request), clientFrame(TEXT, bomb.subarray(0, -4), { reserved: RSV1 })]),
        { isEnough: (bytes) => closeCode(bytes) !== null },
      );
      assert.equal(closeCode(received), 1009);
    }
    const after = process.memoryUsage();
    assert.ok(after.arrayBuffers - before.arrayBuffers < 5 * MIB, `${after.arrayBuffers - before.arrayBuffers} bytes`);
  });

  test('what a client compresses without having agreed on it ends with 1002, and garbage with 1007', async () => {
    const deflated = deflateRawSync(Buffer.from('{"a":1}'), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
    const offer = upgradeRequest(token).replace(
      /\r\n\r\n$/,
      '\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n',
    );
    const sends: [string, Buffer, number][] = [
      [upgradeRequest(token), deflated, 1002],
      [offer, randomBytes(200).fill(0xff, 0, 2), 1007],
    ];
    for (const [request, payload, code] of sends) {
      const frame = clientFrame(TEXT, payload, { reserved: RSV1 });
      const received = await exchange(running.gateway.port, Buffer.concat([Buffer.from(request), frame]), {
        isEnough: (bytes) => closeCode(bytes) !== null,
      });
      assert.equal(closeCode(received), code);
    }
  });
});

test(
  'D4: where compression is disabled nothing is negotiated, and the bytes are those of the texts',
  LIMIT,
  async () => {
    await using running = await startGateway({ plain: true, connections: { compression: 'Disabled' } });
    const socket = new WsClient(`ws://127.0.0.1:${running.gateway.port}${STREAM_PATH}?token=${await running.token()}`);
    const texts: string[] = [];
    socket.on('message', (data) => texts.push((data as Buffer).toString()));
    await new Promise((resolve) => socket.once('open', resolve));
    assert.equal(socket.extensions, '');
    const lines = [1, 2, 3].map(line);
    await running.ingest(lines.join('\n'));
    await until('the events', () => texts.length === lines.length);
    assert.deepEqual(texts, lines);
    socket.terminate();
  },
);
