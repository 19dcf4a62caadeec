/**
 * A TLS server that takes the attacks instead of the gateway, on the same machine: it answers just enough to keep an
 * attack running, and discards what it reads. Prints `{"port":…,"ca":…}` when it listens.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { createAuthority, issueCertificate } from '../../runtime/certificates/certificate.ts';

const LOGIN = JSON.stringify({ access_token: 'decoy' });
const ANSWERS = {
  token: `HTTP/1.1 200 OK\r\nContent-Length: ${LOGIN.length}\r\nConnection: close\r\n\r\n${LOGIN}`,
  refusal: 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
  upgrade: 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
} as const;
/** A WebSocket Close without a code (RFC 6455 5.5.1). */
const CLOSE = Buffer.from([0x88, 0]);
/** Data that is still read after a Close or a refusal. */
const LINGER_MS = 200;

const now = Date.now();
const authority = await createAuthority({ subject: 'CN=decoy authority', now, days: 1 });
const names = { dns: ['localhost'], ips: ['127.0.0.1'] };
const certificate = await issueCertificate(authority, { subject: 'CN=decoy', usage: 'server', ...names, now, days: 1 });
const server = createServer({ ...certificate, ALPNProtocols: ['http/1.1'] }, serve);
server.on('tlsClientError', (_error, socket) => socket.destroy());
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port, ca: authority.cert })}\n`);

function serve(socket: TLSSocket): void {
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  let isStream = false;
  socket.on('data', (chunk: Buffer) => {
    if (socket.writableEnded) return;
    const text = chunk.toString('latin1', 0, 2_048);
    if (isStream) end(socket, CLOSE);
    else if (/^GET .*\r\nUpgrade: /is.test(text)) {
      isStream = true;
      socket.write(ANSWERS.upgrade);
    } else if (text.includes('"password":')) end(socket, ANSWERS.token);
    // The head and the body of a login arrive separately; a head that never ends is kept.
    else if (/\r\n\r\n./s.test(text)) end(socket, ANSWERS.refusal);
  });
}

function end(socket: TLSSocket, last: string | Buffer): void {
  socket.end(last);
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
}
