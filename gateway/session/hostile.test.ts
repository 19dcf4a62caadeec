import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { clientFrame, closeCode, exchange, serverFrames, upgradeRequest } from '../testing/raw-client.ts';
import { until } from '../testing/until.ts';
import { startGateway, type RunningGateway } from '../testing/running-gateway.ts';

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
const CONTINUE = 0;

/** What strangers send on raw sockets. Whatever it is, the gateway answers by the book and serves the next client. */
describe('a hostile client', () => {
  let running: RunningGateway;
  let port: number;
  let token: string;

  before(async () => {
    running = await startGateway({ plain: true });
    port = running.gateway.port;
    token = await running.token();
  });
  after(() => running[Symbol.asyncDispose]());

  async function stillServes(): Promise<void> {
    const client = await running.connect(`?token=${token}`);
    const event = '{"Event-Name":"DTMF","Call-ID":"c","Account-ID":"account_id_1"}';
    await running.ingest(event.replace('"c"', `"c${performance.now()}"`));
    assert.equal((await client.received(1)).length, 1);
    client.close();
  }

  const BY_THE_BOOK: [string, Buffer[], number][] = [
    ['an unmasked frame', [clientFrame(TEXT, 'hi', { masked: false })], 1002],
    ['reserved bit 1', [clientFrame(TEXT, 'hi', { reserved: 4 })], 1002],
    ['reserved bit 2', [clientFrame(TEXT, 'hi', { reserved: 2 })], 1002],
    ['reserved bit 3', [clientFrame(TEXT, 'hi', { reserved: 1 })], 1002],
    ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode): [string, Buffer[], number] => [
      `reserved opcode ${opcode}`,
      [clientFrame(opcode)],
      1002,
    ]),
    ['a fragmented ping', [clientFrame(PING, 'x', { fin: false })], 1002],
    ['a fragmented close', [clientFrame(CLOSE, '', { fin: false })], 1002],
    ['a ping of 126 bytes', [clientFrame(PING, 'x'.repeat(126))], 1002],
    ['a pong of 200 bytes', [clientFrame(PONG, 'x'.repeat(200))], 1002],
    ['a continuation of nothing', [clientFrame(CONTINUE, 'x')], 1002],
    ['a text inside a fragmented one', [clientFrame(TEXT, 'a', { fin: false }), clientFrame(TEXT, 'b')], 1002],
    ['text that is not UTF-8', [clientFrame(TEXT, Buffer.from([0xc3, 0x28]))], 1007],
    [
      'text that is not UTF-8 over two frames',
      [clientFrame(TEXT, Buffer.from([0xe2]), { fin: false }), clientFrame(CONTINUE, Buffer.from([0x28]))],
      1007,
    ],
    ['a message over 4 KB', [clientFrame(TEXT, 'x'.repeat(4_097))], 1009],
    ['a binary message over 4 KB', [clientFrame(BINARY, Buffer.alloc(5_000))], 1009],
    ['a length of 2 GB', [clientFrame(BINARY, '', { length: 2 ** 31 - 1 })], 1009],
    [
      'a fragmented message over 4 KB',
      [clientFrame(TEXT, 'x'.repeat(3_000), { fin: false }), clientFrame(CONTINUE, 'x'.repeat(3_000))],
      1009,
    ],
    ['a close with one byte', [clientFrame(CLOSE, 'x')], 1002],
    ...[0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535].map((code): [string, Buffer[], number] => [
      `a close with code ${code}`,
      [clientFrame(CLOSE, Buffer.from([code >>> 8, code & 0xff]))],
      1002,
    ]),
    ['a close with a reason that is not UTF-8', [clientFrame(CLOSE, Buffer.from([3, 232, 0xff]))], 1007],
    ['a right close', [clientFrame(CLOSE, Buffer.from([3, 232]))], 1000],
    ['121 small frames', Array.from({ length: 121 }, () => clientFrame(TEXT, 'x')), 4429],
    ['121 pings', Array.from({ length: 121 }, () => clientFrame(PING)), 4429],
  ];

  for (const [what, frames, code] of BY_THE_BOOK) {
    test(`RFC 6455: ${what} is answered with ${code}`, async () => {
      const received = await exchange(port, Buffer.concat([Buffer.from(upgradeRequest(token)), ...frames]), {
        isEnough: (bytes) => closeCode(bytes) !== null,
      });
      assert.equal(closeCode(received), code);
    });
  }

  test('RFC 6455: a ping is answered with its own payload, and pongs are free', async () => {
    const pongs = Array.from({ length: 500 }, () => clientFrame(PONG, 'x'));
    const sent = Buffer.concat([Buffer.from(upgradeRequest(token)), ...pongs, clientFrame(PING, 'canary')]);
    const received = await exchange(port, sent, { isEnough: (bytes) => serverFrames(bytes).length > 0 });
    const [answer] = serverFrames(received);
    assert.deepEqual([answer?.opcode, answer?.payload.toString()], [PONG, 'canary']);
  });

  test('500 malformed handshakes: an HTTP answer with a code or a cut, never a 5xx', async () => {
    const random = seeded(11);
    const good = upgradeRequest(token);
    const requests = Array.from({ length: 500 }, (_, at) => mutate(good, at, random));
    const statuses = new Map<number, number>();
    for (let start = 0; start < requests.length; start += 50) {
      const answers = await Promise.all(
        requests
          .slice(start, start + 50)
          .map((request) => exchange(port, `${request}\r\n\r\n`, { isEnough: isAnswered })),
      );
      for (const answer of answers) {
        const status = statusOf(answer);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        assert.ok(status === 0 || status < 500, answer.toString());
        assert.ok(!answer.toString().includes(token), 'a token came back');
      }
    }
    assert.ok((statuses.get(400) ?? 0) > 50, JSON.stringify([...statuses]));
    await stillServes();
  });

  test('2,000 mutated tokens: 401 for each, and nothing else', async () => {
    const random = seeded(5);
    for (let start = 0; start < 2_000; start += 100) {
      const answers = await Promise.all(
        Array.from({ length: 100 }, async () =>
          exchange(port, upgradeRequest(mutateToken(token, random)), { isEnough: isAnswered }),
        ),
      );
      for (const answer of answers) assert.equal(statusOf(answer), 401, answer.toString());
    }
    await stillServes();
  });

  test('100,000 random frames end in close codes of the RFC, and every session is given back (I10)', async () => {
    const random = seeded(3);
    const codes = new Set<number | null>();
    for (let batchAt = 0; batchAt < 50; batchAt += 1) {
      const batch = Array.from({ length: 20 }, () => {
        const list = Array.from({ length: 100 }, () => randomFrame(random));
        return Buffer.concat([Buffer.from(upgradeRequest(token)), ...list, clientFrame(CLOSE, Buffer.from([3, 232]))]);
      });
      const answers = await Promise.all(
        batch.map((bytes) => exchange(port, bytes, { isEnough: (received) => closeCode(received) !== null })),
      );
      for (const answer of answers) codes.add(closeCode(answer));
    }
    const allowed = new Set<number | null>([1000, 1002, 1007, 1009, 4429]);
    assert.deepEqual(
      [...codes].filter((code) => !allowed.has(code)),
      [],
    );
    await stillServes();
    await until(async () => {
      const metrics = await fetch(`http://127.0.0.1:${running.gateway.innerPort}/metrics`);
      return (await metrics.text()).includes('firehose_connections{contract="plain"} 0\n');
    });
  });
});

function isAnswered(received: Buffer): boolean {
  return received.includes('\r\n\r\n');
}

function statusOf(answer: Buffer): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer.toString('latin1'))?.[1] ?? 0);
}

/** One of many ways to get a handshake wrong, some of them by chance. */
function mutate(request: string, at: number, random: () => number): string {
  const ways: ((text: string) => string)[] = [
    (text) => text.replace('GET', ['POST', 'PUT', 'get', 'PRI', '', '\0'][at % 6] ?? ''),
    (text) => text.replace('Version: 13', `Version: ${at}`),
    (text) => text.replace(/Key: \S+/, `Key: ${'A'.repeat(at % 40)}`),
    (text) =>
      text.replace('/ws/v1', ['//ws/v1', '/ws/../v1', '/%00ws/v1', '/%zz', 'http://evil.example.com/ws'][at % 5] ?? ''),
    (text) => text.replace('websocket\r', `${['h2c', 'websocket, h2c', '', 'WebSocketX'][at % 4] ?? ''}\r`),
    (text) => text.replace('Host: localhost', ''),
    (text) => text.replace('HTTP/1.1', ['HTTP/0.9', 'HTTP/2.0', 'HTTP/1.1 x', 'XTTP/1.1'][at % 4] ?? ''),
    (text) => text.replace('\r\n\r\n', `\r\nX: ${'y'.repeat(9_000)}\r\n\r\n`),
    (text) => text.replace('\r\n\r\n', `\r\n${'X: y\r\n'.repeat(70)}\r\n`),
    (text) => text.replace('token=', `token=a&token=b${at}&token=`),
    (text) => text.replace('\r\n\r\n', '\r\nAuthorization: Basic abc\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'),
    (text) => text.replace('\r\n\r\n', '\r\nContent-Length: -1\r\n\r\n'),
    (text) =>
      Array.from(text, (character) => (random() < 0.02 ? String.fromCharCode(random() * 256) : character)).join(''),
  ];
  return (ways[at % ways.length] ?? ((text: string) => text))(request).replace(/\r\n\r\n$/, '');
}

function mutateToken(token: string, random: () => number): string {
  const at = Math.floor(random() * token.length);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.';
  const other = alphabet[Math.floor(random() * alphabet.length)] ?? 'A';
  if (other === token[at] || at === token.length - 1) return token.slice(0, at);
  return random() < 0.5 ? token.slice(0, at) + other + token.slice(at + 1) : token.slice(0, at) + token.slice(at + 1);
}

function randomFrame(random: () => number): Buffer {
  const isWild = random() < 0.02;
  const opcode = isWild ? Math.floor(random() * 16) : PONG;
  const payload = Buffer.from(Array.from({ length: Math.floor(random() * (isWild ? 300 : 40)) }, () => random() * 256));
  return clientFrame(opcode, payload, {
    fin: !isWild || random() < 0.8,
    reserved: isWild && random() < 0.2 ? Math.floor(random() * 8) : 0,
    masked: !isWild || random() < 0.9,
  });
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}
