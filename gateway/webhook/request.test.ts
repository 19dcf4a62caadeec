import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { makeCertificates } from '../../testing/certificates.ts';
import { until } from '../../testing/until.ts';
import { openRequests, type Receiver } from './request.ts';

const LIMIT = { timeout: 30_000 };
const NO_CONTENT = 'HTTP/1.1 204 No Content\r\n\r\n';

/** Counted from 0: the connection, and the request in it. */
interface At {
  readonly connection: number;
  readonly request: number;
}

/** A receiver by raw TCP, or by TLS with these files. `behave` is called with each whole request. */
async function receive(behave: (socket: Socket, at: At) => void, files?: { certFile: string; keyFile: string }) {
  const texts: string[] = [];
  const sockets: Socket[] = [];
  const accept = (socket: Socket) => {
    const connection = sockets.push(socket) - 1;
    let [text, request] = ['', 0];
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (!text.endsWith('\r\n\r\n{}')) return;
      texts.push(text);
      text = '';
      behave(socket, { connection, request: (request += 1) - 1 });
    });
  };
  const server = files
    ? createTlsServer({ cert: await readFile(files.certFile), key: await readFile(files.keyFile) }, accept)
    : createServer(accept);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port, texts, sockets, [Symbol.dispose]: close };
}

/** Requests to a port of this machine. */
function requestsTo(port: number, more: Partial<Receiver> & { at?: string } = {}) {
  const { at = `http://127.0.0.1:${port}/hook?a=b`, ...rest } = more;
  const policy = { allowLoopback: true };
  const requests = openRequests({ url: new URL(at), policy, timeoutMs: 10_000, ca: () => null, ...rest });
  const post = async (headers: Record<string, string> = {}, signal = new AbortController().signal) => {
    const outcome = await requests.send({ headers, body: Buffer.from('{}'), signal });
    return outcome.kind === 'failure' ? outcome.code : outcome.status;
  };
  return { requests, post, [Symbol.dispose]: () => requests[Symbol.dispose]() };
}

describe('requests to a receiver', () => {
  test('use one connection after each other, and as many as there are at once', LIMIT, async () => {
    using receiver = await receive((socket) => void socket.write(NO_CONTENT));
    using it = requestsTo(receiver.port);
    for (let n = 0; n < 5; n += 1) assert.equal(await it.post(), 204);
    assert.equal(receiver.sockets.length, 1);
    await Promise.all(Array.from({ length: 5 }, () => it.post()));
    assert.equal(receiver.sockets.length, 5);
  });

  test('are whole requests of HTTP/1.1', LIMIT, async () => {
    using receiver = await receive((socket) => void socket.write(NO_CONTENT));
    using it = requestsTo(receiver.port, { at: `http://me:pass%20word@127.0.0.1:${receiver.port}/a%20b?c=d#e` });
    await it.post({ 'webhook-id': 'one' });
    assert.deepEqual(receiver.texts[0]?.split('\r\n'), [
      'POST /a%20b?c=d HTTP/1.1',
      `host: 127.0.0.1:${receiver.port}`,
      'connection: keep-alive',
      `authorization: Basic ${Buffer.from('me:pass word').toString('base64')}`,
      'webhook-id: one',
      'content-length: 2',
      '',
      '{}',
    ]);
    await assert.rejects(it.post({ 'webhook-id': 'a\r\nb: c' }), TypeError);
  });

  test('are sent again where the receiver had closed the idle connection', LIMIT, async () => {
    using receiver = await receive((socket, { connection, request }) => {
      if (connection === 0 && request === 1) socket.resetAndDestroy();
      else socket.write(NO_CONTENT);
    });
    using it = requestsTo(receiver.port);
    assert.deepEqual([await it.post(), await it.post()], [204, 204]);
    assert.deepEqual([receiver.sockets.length, receiver.texts.length], [2, 3]);
  });

  test('are not sent again when a new connection is cut, or an answer had begun', LIMIT, async () => {
    using receiver = await receive((socket, { connection, request }) => {
      if (connection === 0) socket.resetAndDestroy();
      else if (request === 0) socket.write(NO_CONTENT);
      else socket.end('HTTP/1.1 2');
    });
    using it = requestsTo(receiver.port);
    assert.deepEqual([await it.post(), await it.post(), await it.post()], ['ECONNRESET', 204, 'INVALID_ANSWER']);
    assert.equal(receiver.texts.length, 3);
  });

  test('do not use a connection that the receiver is about to close, or spoke on unasked', LIMIT, async () => {
    using receiver = await receive((socket, { connection }) => {
      if (connection === 0) socket.write('HTTP/1.1 204 No Content\r\nkeep-alive: timeout=1\r\n\r\n');
      else if (connection === 1) socket.write(`${NO_CONTENT}${NO_CONTENT}`);
      else socket.write(NO_CONTENT);
    });
    using it = requestsTo(receiver.port);
    for (const connections of [1, 2, 3, 3]) {
      assert.equal(await it.post(), 204);
      assert.equal(receiver.sockets.length, connections);
    }
    receiver.sockets.at(-1)?.write('HTTP/1.1 500 Not Asked\r\ncontent-length: 0\r\n\r\n');
    await until('the connection closed', () => receiver.sockets.at(-1)?.closed);
    assert.equal(await it.post(), 204);
  });

  test('end in TIMEOUT where no head of an answer comes, on a kept connection too', LIMIT, async () => {
    using receiver = await receive((socket, { request }) => void (request === 0 && socket.write(NO_CONTENT)));
    using it = requestsTo(receiver.port, { timeoutMs: 100 });
    assert.deepEqual([await it.post(), await it.post(), await it.post()], [204, 'TIMEOUT', 204]);
    assert.equal(receiver.texts.length, 3);
  });

  test('end in TIMEOUT where a connection is never established', LIMIT, async () => {
    // A server of TLS that never answers the handshake.
    using receiver = await receive(() => undefined);
    using it = requestsTo(receiver.port, { at: `https://localhost:${receiver.port}/`, timeoutMs: 100 });
    assert.equal(await it.post(), 'TIMEOUT');
  });

  test('end with their status where a body never ends, within a second', LIMIT, async () => {
    using receiver = await receive((socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx'));
    using it = requestsTo(receiver.port);
    const begunAt = performance.now();
    assert.equal(await it.post(), 200);
    assert.ok(performance.now() - begunAt >= 900);
    await until('the connection closed', () => receiver.sockets[0]?.closed);
  });

  test('end in ABORTED and close their connection, at once', LIMIT, async () => {
    using receiver = await receive(() => undefined);
    using it = requestsTo(receiver.port);
    const stop = new AbortController();
    const posted = it.post({}, stop.signal);
    await until('a request', () => receiver.texts.length > 0);
    stop.abort();
    assert.equal(await posted, 'ABORTED');
    assert.equal(await it.post({}, stop.signal), 'ABORTED');
    await until('the connection closed', () => receiver.sockets[0]?.closed);
    assert.equal(receiver.texts.length, 1);
  });

  test('end when they are disposed of', LIMIT, async () => {
    using receiver = await receive(() => undefined);
    const it = requestsTo(receiver.port);
    const posted = it.post();
    await until('a request', () => receiver.texts.length > 0);
    it[Symbol.dispose]();
    assert.equal(await posted, 'ECONNRESET');
  });
});

describe('requests over TLS', () => {
  test('verify the certificate before a byte is sent, by the authorities of this moment', LIMIT, async () => {
    await using certificates = await makeCertificates('localhost');
    await using others = await makeCertificates('localhost');
    using receiver = await receive((socket) => void socket.write(NO_CONTENT), certificates);
    const [right, wrong] = [await readFile(certificates.caFile, 'utf8'), await readFile(others.caFile, 'utf8')];
    let ca: string | null = right;
    using it = requestsTo(receiver.port, { at: `https://localhost:${receiver.port}/`, ca: () => ca });
    assert.deepEqual([await it.post(), await it.post()], [204, 204]);
    assert.equal(receiver.sockets.length, 1);
    for (ca of [null, wrong]) assert.match(String(await it.post()), /UNABLE_TO_VERIFY|SELF_SIGNED|SIGNATURE/);
    assert.equal(receiver.texts.length, 2);
    ca = right;
    assert.equal(await it.post(), 204);
  });

  test('resume the session of an earlier connection', LIMIT, async () => {
    await using certificates = await makeCertificates('localhost');
    using receiver = await receive((socket) => void socket.end(NO_CONTENT), certificates);
    const ca = await readFile(certificates.caFile, 'utf8');
    using it = requestsTo(receiver.port, { at: `https://localhost:${receiver.port}/`, ca: () => ca });
    for (let n = 0; n < 3; n += 1) assert.equal(await it.post(), 204);
    assert.ok((receiver.sockets.at(-1) as TLSSocket).isSessionReused());
  });

  test('are refused for a certificate of another name', LIMIT, async () => {
    await using certificates = await makeCertificates('crm.example.com');
    using receiver = await receive((socket) => void socket.write(NO_CONTENT), certificates);
    const ca = await readFile(certificates.caFile, 'utf8');
    using it = requestsTo(receiver.port, { at: `https://localhost:${receiver.port}/`, ca: () => ca });
    assert.equal(await it.post(), 'ERR_TLS_CERT_ALTNAME_INVALID');
    assert.equal(receiver.texts.length, 0);
  });
});
