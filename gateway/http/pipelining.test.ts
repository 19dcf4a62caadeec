import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import { LOGIN_PATH, STREAM_PATH } from '../../protocol/paths.ts';
import { openStateFolder } from '../state/state-folder.ts';
import { openListener, type ListenerChange } from '../testing/public-listener.ts';
import { selfSigned } from '../tls/self-signed.ts';
import { AddressAllowance } from './address-allowance.ts';
import { LIMITS } from './limits.ts';

const get = (path: string, ...headers: string[]) =>
  [`GET ${path} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n');
const login = (body: string) =>
  `POST ${LOGIN_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const chunked = (body: string) =>
  `POST ${LOGIN_PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n` +
  `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
const upgrade = get(STREAM_PATH, 'Connection: Upgrade', 'Upgrade: websocket');
const statuses = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));

/** RFC 9112 9.3.2, over TLS, as served by default. */
describe('pipelined requests', () => {
  let folder: string;
  let certificate: { cert: string; key: string };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'firehose-pipelining-'));
    certificate = await selfSigned(await openStateFolder(folder), Date.now());
  });
  after(() => rm(folder, { recursive: true }));

  const open = (change: ListenerChange = {}) =>
    openListener({ ...change, listener: { tls: certificate, ...change.listener } });
  async function dial(port: number, localAddress = '127.0.0.1'): Promise<TLSSocket> {
    const socket = connect({
      socket: connectTcp({ port, host: '127.0.0.1', localAddress }),
      rejectUnauthorized: false,
    });
    await once(socket, 'secureConnect');
    return socket;
  }
  /** All received data until the connection ends. */
  async function exchange(port: number, text: string, localAddress?: string): Promise<string> {
    const socket = await dial(port, localAddress);
    let received = '';
    socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.write(text);
    await once(socket, 'close');
    return received;
  }

  test('one is in flight at a time, all are answered in order, and the 100th is the last', async () => {
    let [now, most] = [0, 0];
    const bodies: string[] = [];
    await using server = await open({
      login: async (body) => {
        most = Math.max(most, (now += 1));
        await delay(1);
        now -= 1;
        bodies.push(body.toString());
        return {};
      },
    });
    const text = Array.from({ length: 150 }, (_, at) => (at % 2 === 0 ? login : chunked)(`request ${at}\r\n\r\n`)).join(
      '',
    );
    const received = await exchange(server.port, text);
    assert.equal(most, 1);
    assert.deepEqual(
      bodies.map((body) => body.trim()),
      Array.from({ length: LIMITS.requestsPerSocket }, (_, at) => `request ${at}`),
    );
    assert.deepEqual(statuses(received), Array(LIMITS.requestsPerSocket).fill(200));
    assert.match(received.slice(received.lastIndexOf('HTTP/1.1')), /^Connection: close\r$/m);
  });

  test('while one is in flight no more is read than one buffer, however much is sent', async () => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<object>();
    await using server = await open({
      login: () => {
        asked.resolve();
        return answer.promise;
      },
    });
    const socket = await dial(server.port);
    socket.on('error', () => undefined);
    socket.write(login('{}'));
    await asked.promise;
    // More than the buffers of both kernels can store.
    socket.write(get('/').repeat(1_000_000));
    await delay(200);
    assert.ok(socket.writableLength > 4 * 1024 * 1024, 'the kernel slows the peer down');
    assert.deepEqual(server.answers, []);
    socket.destroy();
    answer.resolve({});
  });

  for (const [what, first] of [
    ['with a Content-Length', login('{}')],
    ['with a chunked body', chunked('{}')],
  ] as const) {
    test(`an upgrade behind a login ${what} comes after its answer, with what follows it`, async () => {
      await using server = await open({
        login: () => delay(20, {}),
        onUpgrade: async (_request, socket, head) => {
          socket.end(`HTTP/1.1 101 Switching Protocols\r\n\r\n${head.toString()}`);
          return 101;
        },
      });
      const received = await exchange(server.port, `${first}${upgrade}frames`);
      assert.deepEqual(statuses(received), [200, 101]);
      assert.match(received, /frames$/);
    });
  }

  test('behind an answer of the 400s nothing more is answered, an upgrade neither', async () => {
    await using server = await open();
    for (const [request, status] of [
      [get('/nowhere'), 404],
      [get(LOGIN_PATH), 405],
      [get('/', 'Host: y'), 400],
      [get('/', 'Expect: more'), 417],
      [get(STREAM_PATH), 426],
      ['CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', 405],
      ['nonsense\r\n\r\n', 400],
      [login('x'.repeat(70_000)), 413],
    ] as const) {
      const received = await exchange(server.port, `${request}${get('/')}${upgrade}`);
      assert.deepEqual(statuses(received), [status], request.slice(0, 60));
      assert.match(received, /^Connection: (Upgrade, )?close\r$/m, request.slice(0, 60));
      assert.match(received, /"code":"[a-z_]+"/, request.slice(0, 60));
    }
    assert.deepEqual(
      server.answers.toSorted((one, other) => one - other),
      [400, 400, 404, 405, 405, 413, 417, 426],
    );
  });

  test('two Hosts are a 400 and an absolute target is taken, on every path and on an upgrade (RFC 9112 3.2)', async () => {
    await using server = await open();
    for (const path of ['/', LOGIN_PATH, '/.well-known/jwks.json', STREAM_PATH]) {
      for (const more of [[], ['Connection: Upgrade', 'Upgrade: websocket']]) {
        const twice = await exchange(server.port, get(path, 'Host: y', ...more));
        assert.match(twice, /^HTTP\/1\.1 400 .*"code":"invalid_host"/s, path);
        const none = await exchange(server.port, get(path, ...more).replace('Host: x\r\n', ''));
        assert.match(none, /^HTTP\/1\.1 400 .*"code":"invalid_host"/s, path);
        for (const host of ['a b', 'a, b', 'x/y', 'u@x', 'x:port', '[::1', 'h\u00e9', 'x:1:2']) {
          const invalid = await exchange(server.port, get(path, ...more).replace('Host: x', `Host: ${host}`));
          assert.match(invalid, /^HTTP\/1\.1 400 .*"code":"invalid_host"/s, `${path} ${host}`);
        }
        const ended = more.length > 0 ? more : ['Connection: close'];
        const right = await exchange(server.port, get(path, ...ended));
        for (const origin of ['http://x', 'https://other.example:1', 'HTTP://x']) {
          const absolute = await exchange(server.port, get(`${origin}${path}`, ...ended));
          assert.deepEqual(statuses(absolute), statuses(right), `${origin}${path} ${more.join()}`);
        }
      }
    }
    for (const host of ['', 'x:', 'x:443', '[2001:db8::1]:443', '192.0.2.1', 'a_b.example.', 'xn--bcher-kva.example']) {
      const valid = await exchange(server.port, get('/', 'Connection: close').replace('Host: x', `Host: ${host}`));
      assert.deepEqual(statuses(valid), [200], host);
    }
    for (const target of ['ftp://x/', 'http:///', 'x', 'http://host:99999/']) {
      assert.match(await exchange(server.port, get(target)), /^HTTP\/1\.1 400 /, target);
    }
  });

  test('an Authorization that is sent twice is a 400 on every path and on an upgrade, also with equal values', async () => {
    await using server = await open();
    for (const path of ['/', LOGIN_PATH, '/.well-known/jwks.json', STREAM_PATH]) {
      for (const more of [[], ['Connection: Upgrade', 'Upgrade: websocket']]) {
        for (const second of ['Authorization: Bearer b', 'authorization: Bearer a']) {
          const twice = await exchange(server.port, get(path, 'Authorization: Bearer a', second, ...more));
          assert.match(twice, /^HTTP\/1\.1 400 .*"code":"malformed_request".*Authorization once/s, path);
        }
        const ended = more.length > 0 ? more : ['Connection: close'];
        const once = await exchange(server.port, get(path, 'Authorization: Bearer a', ...ended));
        assert.doesNotMatch(once, /Authorization once/, path);
      }
    }
  });

  test('an address that has used up its requests gets 429 and then no connection, and no other address does', async () => {
    const allowance = new AddressAllowance({ burst: 10, perSecond: 0.001 });
    await using server = await open({ allowance });
    // The connection, which includes its first request, and nine more.
    const received = await exchange(server.port, get('/').repeat(20));
    assert.deepEqual(statuses(received), [...Array<number>(10).fill(200), 429]);
    assert.match(received, /"code":"too_many_requests"/);
    await assert.rejects(dial(server.port));
    assert.deepEqual(server.mismatches, ['dropped address']);
    const other = await exchange(server.port, get('/', 'Connection: close'), '127.0.0.2');
    assert.deepEqual(statuses(other), [200]);
  });

  test('logins and upgrades that succeed use nothing up', async () => {
    const allowance = new AddressAllowance({ burst: 2, perSecond: 0.001 });
    await using server = await open({
      allowance,
      onUpgrade: async (_request, socket) => {
        socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
        return 101;
      },
    });
    for (let round = 0; round < 20; round += 1) {
      assert.deepEqual(statuses(await exchange(server.port, login('{}') + upgrade)), [200, 101]);
    }
    assert.equal(allowance.size, 0);
  });
});
