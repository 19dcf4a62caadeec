import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { WRONG_HANDSHAKES, forgeToken, mutateToken, randomFrames, seeded } from '../testing/hostile.ts';
import {
  ask,
  clientFrame,
  closeCode,
  exchange,
  freshAddress,
  serverFrames,
  upgradeRequest,
} from '../testing/raw-client.ts';
import { until } from '../../testing/until.ts';
import { startGateway, type RunningGateway } from '../testing/running-gateway.ts';

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
const CONTINUE = 0;

/**
 * Hostile input on raw sockets. The gateway answers by the standards in every case, and serves the next client. The
 * clients have many addresses: an address that sends only faults is slowed, and then cut off
 * (gateway/http/faults.test.ts).
 */
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

  test('RFC 6455: a ping is answered with its own payload', async () => {
    const pongs = Array.from({ length: 50 }, () => clientFrame(PONG, 'x'));
    const sent = Buffer.concat([Buffer.from(upgradeRequest(token)), ...pongs, clientFrame(PING, 'canary')]);
    const received = await exchange(port, sent, { isEnough: (bytes) => serverFrames(bytes).length > 0 });
    const [answer] = serverFrames(received);
    assert.deepEqual([answer?.opcode, answer?.payload.toString()], [PONG, 'canary']);
  });

  for (const [what, wrong] of [
    ['without a Host', (right: string) => right.replace('Host: localhost\r\n', '')],
    ['with two Hosts', (right: string) => right.replace('Host:', 'Host: other\r\nHost:')],
  ] as const) {
    test(`an upgrade ${what} is refused with 400 (RFC 6455 4.2.1, RFC 9112 3.2)`, async () => {
      const { status, body } = await ask(port, wrong(upgradeRequest(token)));
      assert.equal(status, 400);
      assert.match(body, /"code":"invalid_host"/);
    });
  }

  test('1,050 malformed handshakes: a coded HTTP answer or a cut, never a 5xx', async () => {
    const random = seeded(11);
    const right = upgradeRequest(token);
    const statuses = new Map<number, number>();
    for (let round = 0; round < 50; round += 1) {
      const requests = WRONG_HANDSHAKES.map((wrong) => Buffer.from(wrong(right, random), 'latin1'));
      const answers = await Promise.all(
        requests.map((request) =>
          ask(port, request, { halfClose: !request.includes('\r\n\r\n'), from: freshAddress() }),
        ),
      );
      for (const [at, { status, type, body }] of answers.entries()) {
        const what = `${status} ${body} to ${requests[at]?.toString('latin1').slice(0, 300)}`;
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        assert.ok(status < 500, what);
        assert.ok(!body.includes(token), 'a token came back');
        // By chance some handshakes stay valid. A request that ends before its start line is complete gets no answer.
        if (status === 0) assert.equal(body, '', what);
        else if (status !== 101)
          assert.match(`${type} ${body}`, /^application\/problem\+json .*"code":"[a-z_]+"/, what);
      }
    }
    for (const status of [400, 401, 404, 426, 431]) assert.ok(statuses.has(status), JSON.stringify([...statuses]));
    await stillServes();
  });

  test('2,000 mutated and 500 forged tokens: 401 for each, and nothing else', async () => {
    const random = seeded(5);
    for (let round = 0; round < 25; round += 1) {
      const tokens = Array.from({ length: 100 }, (_, at) =>
        at < 80 ? mutateToken(token, random) : forgeToken(token, random),
      );
      const answers = await Promise.all(
        tokens.map((wrong) => ask(port, upgradeRequest(wrong), { from: freshAddress() })),
      );
      for (const [at, answer] of answers.entries()) {
        assert.equal(answer.status, 401, tokens[at]);
        assert.match(answer.body, /"code":"invalid_token"/);
      }
    }
    await stillServes();
  });

  test('100,000 random frames end in close codes of the RFC, and every session is given back (I10)', async () => {
    const random = seeded(3);
    const codes = new Map<number | null, number>();
    for (let round = 0; round < 20; round += 1) {
      const batch = Array.from({ length: 50 }, () => randomFrames(100, random));
      const answers = await Promise.all(
        batch.map((frames) => exchange(port, upgradeRequest(token), { andThen: frames, from: freshAddress() })),
      );
      for (const answer of answers) {
        assert.match(answer.toString('latin1'), /^HTTP\/1\.1 101 /);
        const code = closeCode(answer);
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
    }
    // Without a code: the client left first.
    const allowed = new Set<number | null>([null, 1000, 1002, 1007, 1009, 4429]);
    const seen = JSON.stringify([...codes]);
    for (const code of codes.keys()) assert.ok(allowed.has(code), seen);
    for (const code of [null, 1002, 1009]) assert.ok(codes.has(code), seen);
    assert.equal((await fetch(`http://127.0.0.1:${running.gateway.innerPort}/livez`)).status, 200);
    token = await running.token();
    await stillServes();
    await until('no connection left', async () => {
      const metrics = await fetch(`http://127.0.0.1:${running.gateway.innerPort}/metrics`);
      return (await metrics.text()).includes('firehose_connections{contract="plain"} 0\n');
    });
  });
});
