import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { LOGIN_PATH, STREAM_PATH } from '../../protocol/paths.ts';
import { openStateFolder } from '../state/state-folder.ts';
import { selfSigned } from '../tls/self-signed.ts';
import { openListener as open } from '../testing/public-listener.ts';
import { LIMITS } from './limits.ts';

/** All received data until the connection ends. */
function exchange(socket: Socket, ...parts: (string | Buffer)[]): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.once('close', () => resolve(text));
    for (const part of parts) socket.write(part);
  });
}

const get = (path: string, ...headers: string[]) =>
  [`GET ${path} HTTP/1.1`, 'Host: x', 'Connection: close', ...headers, '', ''].join('\r\n');
const upgrade = ['Connection: Upgrade', 'Upgrade: websocket'];
const many = (count: number) => Array.from({ length: count }, (_, index) => `X-${index}: 1`);
const statusOf = (text: string) => /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1];

test('the limits are those of the design', () => {
  const { headersTimeoutMs, requestTimeoutMs, handshakeTimeoutMs, checkEveryMs, headerBytes, headers } = LIMITS;
  assert.ok(Math.max(headersTimeoutMs, requestTimeoutMs, handshakeTimeoutMs) + checkEveryMs < 12_000);
  assert.deepEqual([headerBytes, headers, LIMITS.keepAliveTimeoutMs], [8_192, 64, 30_000]);
});

test('a login body is read whatever its content type, and one over 64 KB is a 413', async () => {
  await using server = await open();
  for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'nonsense']) {
    const answer = await fetch(server.url + LOGIN_PATH, {
      method: 'POST',
      headers: { 'Content-Type': type },
      body: 'x'.repeat(65_536),
    });
    assert.deepEqual(await answer.json(), { bytes: 65_536, address: '127.0.0.1' }, type);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
  }
  const large = await fetch(server.url + LOGIN_PATH, { method: 'POST', body: 'x'.repeat(65_537) });
  assert.equal(large.status, 413);
  assert.equal(((await large.json()) as { code: string }).code, 'body_too_large');
});

test('every other request has its own status, as a coded problem', async () => {
  await using server = await open();
  const cases: [string, RequestInit, number][] = [
    [LOGIN_PATH, {}, 405],
    [LOGIN_PATH, { method: 'DELETE' }, 405],
    [LOGIN_PATH, { method: 'POST', body: 'x', headers: { 'Content-Encoding': 'gzip' } }, 415],
    [STREAM_PATH, {}, 426],
    ['/metrics', {}, 404],
    ['/livez', {}, 404],
    ['/%', {}, 404],
    ['/', { method: 'POST' }, 405],
  ];
  for (const [path, init, status] of cases) {
    const answer = await fetch(server.url + path, init);
    assert.equal(answer.status, status, path);
    assert.equal(answer.headers.get('content-type'), 'application/problem+json', path);
    assert.match(((await answer.json()) as { code: string }).code, /^[a-z_]+$/);
    if (status === 405) assert.ok(answer.headers.get('allow'));
    if (status === 426) assert.equal(answer.headers.get('upgrade'), 'websocket');
  }
  const page = await fetch(server.url);
  assert.match(page.headers.get('content-security-policy') ?? '', /^default-src 'none'/);
  assert.deepEqual(await (await fetch(`${server.url}/.well-known/jwks.json`)).json(), { keys: [] });
});

test('an error inside is a coded 500 that tells nothing of it', async () => {
  await using server = await open({
    login: () => {
      throw new Error('canary');
    },
  });
  const answer = await fetch(server.url + LOGIN_PATH, { method: 'POST', body: '{}' });
  assert.equal(answer.status, 500);
  assert.doesNotMatch(await answer.text(), /canary|\.ts/);
  assert.equal(server.unexpected.length, 1);
});

test('CORS answers an allowed origin, and a preflight, and no other', async () => {
  await using server = await open({ origins: ['https://app.example.com'] });
  const ask = (method: string, origin: string) =>
    fetch(server.url + LOGIN_PATH, { method, headers: { Origin: origin } });
  const preflight = await ask('OPTIONS', 'https://app.example.com');
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get('access-control-allow-methods'), 'POST');
  assert.equal(preflight.headers.get('access-control-allow-origin'), 'https://app.example.com');
  assert.equal(preflight.headers.get('access-control-max-age'), '600');
  const allowed = preflight.headers.get('access-control-allow-headers')?.toLowerCase().split(', ') ?? [];
  for (const header of ['content-type', 'authorization', 'traceparent', 'tracestate', 'x-requested-with']) {
    assert.ok(allowed.includes(header), header);
  }
  assert.equal(preflight.headers.get('access-control-allow-credentials'), null);
  assert.equal(preflight.headers.get('vary'), 'Origin');
  const good = await ask('POST', 'https://app.example.com');
  assert.equal(good.headers.get('access-control-allow-origin'), 'https://app.example.com');
  assert.equal(good.headers.get('access-control-expose-headers'), 'Retry-After');
  for (const method of ['OPTIONS', 'POST']) {
    const bad = await ask(method, 'https://evil.test');
    assert.equal(bad.headers.get('access-control-allow-origin'), null);
    assert.equal(bad.headers.get('vary'), 'Origin');
  }
});

test('64 headers pass and more are a 431, on a request as on an upgrade', async () => {
  await using server = await open();
  const ask = (text: string) => exchange(connect(server.port, '127.0.0.1'), text).then(statusOf);
  assert.equal(await ask(get('/', ...many(62))), '200');
  assert.equal(await ask(get('/', ...many(63))), '431');
  assert.equal(await ask(get(STREAM_PATH, ...upgrade)), '403');
  assert.equal(await ask(get(STREAM_PATH, ...upgrade, ...many(61))), '431');
  assert.equal(await ask(get('/', `X: ${'y'.repeat(9_000)}`)), '431');
  assert.equal(await ask(get(`/${'y'.repeat(9_000)}`)), '431');
});

test('an offer of another protocol is not an upgrade', async () => {
  await using server = await open();
  const text = await exchange(connect(server.port, '127.0.0.1'), get('/', 'Connection: Upgrade', 'Upgrade: h2c'));
  assert.equal(statusOf(text), '200');
});

test('malformed requests are answered with a code or cut, never with a 5xx', async () => {
  await using server = await open();
  const bad = [
    '\0\0\0\r\n\r\n',
    'GET\r\n\r\n',
    'G@T / HTTP/1.1\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\r\n\r\n',
  ]
    .concat(
      'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n',
      get('/%e0%A4%A'),
      get('/', 'Bad Header: 1'),
    )
    .concat('GET / HTTP/1.1\r\n\r\n', `POST ${LOGIN_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n`)
    .concat(
      `POST ${LOGIN_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    );
  for (const text of bad) {
    const answer = await exchange(connect(server.port, '127.0.0.1'), text);
    assert.match(statusOf(answer) ?? '400', /^[234]/, JSON.stringify([text, answer]));
  }
  assert.equal((await fetch(server.url)).status, 200);
  assert.deepEqual(server.unexpected, []);
});

/** Soon over, but not before the bytes that are sent at once have been read on a busy machine. */
const QUICK = {
  headersTimeoutMs: 500,
  requestTimeoutMs: 600,
  handshakeTimeoutMs: 500,
  checkEveryMs: 20,
  firstBytesMs: 500,
};
const BEHIND_PROXY = { proxyProtocol: true, trustedProxies: ['127.0.0.0/8'] };
const LINE = 'PROXY TCP4 203.0.113.9 10.0.0.1 4660 443\r\n';

test('a request that does not arrive is cut, also behind a proxy', async () => {
  await using plain = await open({ listener: { limits: QUICK } });
  await using proxied = await open({ listener: { ...BEHIND_PROXY, limits: QUICK } });
  const slow = [
    exchange(connect(plain.port, '127.0.0.1'), 'GET / HTTP/1.1\r\nHost: x\r\n'),
    exchange(connect(plain.port, '127.0.0.1'), `POST ${LOGIN_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{`),
    exchange(connect(proxied.port, '127.0.0.1'), `${LINE}GET / HTTP/1.1\r\nHost: x\r\n`),
  ];
  for (const text of await Promise.all(slow)) {
    assert.equal(statusOf(text), '408', text);
    assert.match(text, /"code":"request_timeout"/);
  }
  assert.equal(await exchange(connect(proxied.port, '127.0.0.1'), 'PROXY TCP4 '), '');
});

test('the PROXY header names the client, in one piece or in many, and is required', async () => {
  await using server = await open({ listener: BEHIND_PROXY });
  const post = `POST ${LOGIN_PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`;
  const whole = await exchange(connect(server.port, '127.0.0.1'), LINE + post);
  assert.match(whole, /"address":"203\.0\.113\.9"/);
  const socket = connect({ port: server.port, host: '127.0.0.1', noDelay: true });
  const pieces = await exchange(socket, ...Array.from(LINE, (letter) => Buffer.from(letter)), post);
  assert.match(pieces, /"address":"203\.0\.113\.9"/);
  assert.equal(await exchange(connect(server.port, '127.0.0.1'), post), '');
});

test('a peer that is not a trusted proxy cannot speak the PROXY protocol', async () => {
  await using server = await open({ listener: { proxyProtocol: true, trustedProxies: ['10.0.0.0/8'] } });
  assert.equal(await exchange(connect(server.port, '127.0.0.1'), LINE + get('/')), '');
});

test('TLS works behind the PROXY header, with a new certificate, and plain HTTP is told so', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-tls-'));
  try {
    const certificate = await selfSigned(await openStateFolder(folder), Date.now());
    await using server = await open({ listener: { ...BEHIND_PROXY, tls: certificate } });
    const post = `POST ${LOGIN_PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`;
    for (let round = 0; round < 2; round += 1) {
      const raw = connect(server.port, '127.0.0.1');
      raw.write(LINE);
      const text = await exchange(connectTls({ socket: raw, ca: certificate.cert, rejectUnauthorized: false }), post);
      assert.match(text, /"address":"203\.0\.113\.9"/);
      server.setCertificate(certificate);
    }
    const clear = await exchange(connect(server.port, '127.0.0.1'), LINE + get('/'));
    assert.match(clear, /^HTTP\/1\.1 400 .*"code":"tls_required"/s);
    await using quick = await open({ listener: { ...BEHIND_PROXY, tls: certificate, limits: QUICK } });
    assert.doesNotMatch(await exchange(connect(quick.port, '127.0.0.1'), LINE), /HTTP/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('closing ends what is still open, upgraded connections too', async () => {
  const upgraded = Promise.withResolvers<void>();
  const onUpgrade = async () => {
    upgraded.resolve();
    return 101;
  };
  const server = await open({ onUpgrade, listener: { limits: { closeMs: 10 } } });
  const ended = exchange(connect(server.port, '127.0.0.1'), get(STREAM_PATH, ...upgrade));
  await upgraded.promise;
  await server[Symbol.asyncDispose]();
  assert.equal(await ended, '');
});
