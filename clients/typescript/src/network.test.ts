import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import { until } from '../../../testing/until.ts';
import { Firehose } from './firehose.ts';
import { eventText } from './testing/fake-transport.ts';

const LIMIT = { timeout: 90_000 };
const LOGIN = { username: 'admin', password: 'secret', domain: 'admin' };
/** The transport of the web, and that of the package `ws`. */
const TRANSPORTS = [{}, { insecure: true }] as const;

interface Peer extends AsyncDisposable {
  readonly server: Server;
  readonly url: string;
}

/** An HTTP server that is not a gateway. All its sockets close with it. */
async function serve(server: Server): Promise<Peer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    server,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const givesTokens = () => createServer((_, response) => response.end('{"access_token":"t"}'));

/** Accepts the handshake by hand, so that it can then send what no WebSocket library would. */
function accept({ headers }: IncomingMessage, socket: Socket): void {
  const key = `${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
  lines.push(`Sec-WebSocket-Accept: ${createHash('sha1').update(key).digest('base64')}`, '', '');
  socket.write(lines.join('\r\n'));
  socket.on('error', () => socket.destroy());
}

function textFrame(text: string): Buffer {
  const head = Buffer.from([0x81, 126, 0, 0]);
  head.writeUInt16BE(Buffer.byteLength(text), 2);
  return Buffer.concat([head, Buffer.from(text)]);
}

test('L10: a login that is redirected takes the password nowhere', LIMIT, async () => {
  const asked: unknown[] = [];
  await using other = await serve(createServer((request, response) => (asked.push(request.url), response.end('{}'))));
  for (const how of TRANSPORTS) {
    for (const status of [302, 307]) {
      const redirects = createServer((_, response) => response.writeHead(status, { Location: other.url }).end());
      await using gateway = await serve(redirects);
      const stream = new Firehose({ url: gateway.url, login: LOGIN, ...how }).stream();
      await assert.rejects(stream.next(), { code: 'refused', status });
    }
  }
  assert.deepEqual(asked, []);
});

test('a ca that is no certificate is an error at once, and no connection is tried for ever', LIMIT, async () => {
  const stream = new Firehose({ url: 'https://127.0.0.1:9', login: LOGIN, ca: 'not a certificate' }).stream();
  await assert.rejects(stream.next(), { code: 'invalid_option', message: /^ca: / });
});

test('a url with a path, a query or a user is an error: the client would leave them out', () => {
  for (const url of ['https://gateway/prefix', 'https://gateway/?a=1', 'https://user:word@gateway', 'ftp://gateway']) {
    assert.throws(() => new Firehose({ url, login: LOGIN }), { code: 'invalid_option', message: /^url: / }, url);
  }
  assert.ok(new Firehose({ url: 'https://gateway:9443/', login: LOGIN }));
});

test('L7: a message that never ends is cut before it fills the memory', LIMIT, async () => {
  await using gateway = await serve(givesTokens());
  let handshakes = 0;
  let sent = 0;
  gateway.server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    handshakes += 1;
    accept(request, socket);
    // A text frame of 2^40 bytes.
    socket.write(Buffer.from([0x81, 127, 0, 0, 1, 0, 0, 0, 0, 0]));
    const more = Buffer.alloc(65_536, 'x');
    const flowing = setInterval(() => {
      sent += more.length;
      socket.write(more);
    }, 5);
    socket.on('close', () => clearInterval(flowing));
  });
  const events = new Firehose({ url: gateway.url, login: LOGIN, insecure: true }).stream();
  const first = events.next();
  await until('another handshake', () => handshakes > 1);
  await events.return();
  assert.equal((await first).done, true);
  assert.ok(sent < 64 * 1_048_576, `${sent} bytes were taken`);
});

test('an answer to a login that never ends is left, and another one asked for', LIMIT, async () => {
  let logins = 0;
  const server = createServer((_, response) => {
    logins += 1;
    const more = Buffer.alloc(65_536, 'x');
    const flowing = setInterval(() => response.write(more), 5);
    response.on('close', () => clearInterval(flowing));
  });
  await using gateway = await serve(server);
  const events = new Firehose({ url: gateway.url, login: LOGIN, insecure: true }).stream();
  const first = events.next();
  await until('another login', () => logins > 1);
  await events.return();
  assert.equal((await first).done, true);
});

for (const isBehind of [false, true]) {
  const how = isBehind ? ' while its caller is behind' : '';
  test(`L11: a peer that does not close is left within a second${how}`, LIMIT, async () => {
    await using gateway = await serve(givesTokens());
    let closed = false;
    gateway.server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
      accept(request, socket);
      // Messages of the client are read and ignored.
      socket.on('data', () => undefined);
      for (const how of ['end', 'close']) socket.on(how, () => (closed = true));
      for (let n = 1; n <= (isBehind ? 5_000 : 1); n += 1) socket.write(textFrame(eventText(n)));
    });
    const events = new Firehose({ url: gateway.url, login: LOGIN, insecure: true }).stream();
    await events.next();
    await events.return();
    // One second by the rule, one for a busy machine, which delays this wait as well.
    await until('the end of the connection', () => closed, { limitMs: 2_000 });
  });
}
