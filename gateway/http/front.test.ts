import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openStateFolder } from '../state/state-folder.ts';
import { exchange } from '../testing/raw-client.ts';
import { openListener } from '../testing/public-listener.ts';
import { selfSigned } from '../tls/self-signed.ts';
import { connectionLimit, publicShare } from './connection-limit.ts';
import { judgeFirstBytes } from './first-bytes.ts';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
const PROXY_1 = 'PROXY TCP4 203.0.113.9 10.0.0.1 4660 443\r\n';
const PROXY_2 = Buffer.from('0d0a0d0a000d0a515549540a200000', 'hex');
const CLIENT_HELLO = Buffer.from('160301020001000a', 'hex');
const BEHIND_PROXY = { proxyProtocol: true, trustedProxies: ['127.0.0.0/8'] };

describe('what a connection begins with', () => {
  let folder: string;
  let tls: { cert: string; key: string };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'firehose-front-'));
    tls = await selfSigned(await openStateFolder(folder), Date.now());
  });
  after(() => rm(folder, { recursive: true }));

  test('each way in which it is not what this port expects is named, and cut off or answered', async () => {
    const cases: [object, string | Buffer, string, RegExp][] = [
      [BEHIND_PROXY, GET, 'proxy_header_missing', /^$/],
      [{ ...BEHIND_PROXY, tls }, CLIENT_HELLO, 'proxy_header_missing', /^$/],
      [{ ...BEHIND_PROXY, trustedProxies: ['10.0.0.0/8'] }, PROXY_1 + GET, 'proxy_not_trusted', /^$/],
      [{ ...BEHIND_PROXY, tls }, PROXY_1 + GET, 'tls_missing', /"code":"tls_required"/],
      [BEHIND_PROXY, Buffer.concat([Buffer.from(PROXY_1), CLIENT_HELLO]), 'tls_unexpected', /^$/],
      [{}, PROXY_1 + GET, 'proxy_header_unexpected', /^$/],
      [{}, PROXY_2, 'proxy_header_unexpected', /^$/],
      [{}, CLIENT_HELLO, 'tls_unexpected', /^$/],
      [{ tls }, PROXY_1, 'proxy_header_unexpected', /^$/],
      [{ tls }, GET, 'tls_missing', /^HTTP\/1\.1 400 .*"code":"tls_required"/s],
    ];
    for (const [listener, bytes, mismatch, answer] of cases) {
      await using server = await openListener({ listener });
      assert.match((await exchange(server.port, bytes)).toString('latin1'), answer, mismatch);
      assert.deepEqual(server.mismatches, [mismatch], bytes.toString());
    }
  });

  test('a connection without any bytes is a health check, and no fault', async () => {
    await using server = await openListener({ listener: { ...BEHIND_PROXY, tls, limits: { firstBytesMs: 50 } } });
    const [closing, waiting] = [connect(server.port, '127.0.0.1'), connect(server.port, '127.0.0.1')];
    closing.end();
    await Promise.all([once(closing, 'close'), once(waiting, 'close')]);
    assert.deepEqual(server.mismatches, []);
  });

  test('in whatever pieces the bytes come, the verdict is the same', () => {
    for (const bytes of [Buffer.from(PROXY_1 + GET), PROXY_2, CLIENT_HELLO, Buffer.from(GET)]) {
      for (const proxyHeader of [true, false]) {
        for (const isTls of [true, false]) {
          const whole = judgeFirstBytes(bytes, { proxyHeader, tls: isTls });
          for (let length = 1; length < bytes.length; length += 1) {
            const part = judgeFirstBytes(bytes.subarray(0, length), { proxyHeader, tls: isTls });
            assert.ok(part.kind === 'incomplete' || part.kind === whole.kind, `${length} of ${bytes.toString()}`);
          }
        }
      }
    }
  });

  test('beyond the limit of connections new ones are cut off at once, and the open ones go on', async () => {
    await using server = await openListener({ listener: { maxConnections: 2 } });
    const open = [connect(server.port, '127.0.0.1'), connect(server.port, '127.0.0.1')];
    await Promise.all(open.map((socket) => once(socket, 'connect')));
    assert.equal((await exchange(server.port, GET)).toString(), '');
    assert.deepEqual(server.mismatches, ['dropped replica']);
    const [first] = open;
    first?.write(GET);
    assert.match(String((await once(first as NonNullable<typeof first>, 'data'))[0]), /^HTTP\/1\.1 200/);
    for (const socket of open) socket.destroy();
  });
});

test('descriptors are kept back for health, and fewer connections than sessions are said at start', () => {
  assert.deepEqual([publicShare(1_024, 30), publicShare(256, 30), publicShare(10, 30)], [866, 162, 1]);
  const lines: unknown[] = [];
  const logger = { warn: (...line: unknown[]) => lines.push(line) } as never;
  const limit = connectionLimit(1, logger);
  assert.ok(limit === null || limit > 1);
  assert.deepEqual(lines, []);
  if (limit !== null) connectionLimit(1_000_000_000, logger);
  assert.equal(lines.length, limit === null ? 0 : 1);
});
