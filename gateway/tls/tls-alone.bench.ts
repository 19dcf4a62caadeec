/**
 * The least that Node.js can do over TLS: one write of 32 frames that were built beforehand, to every connection as it drains. The
 * yardstick of P13. Prints {"port":N}; begins on "start".
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createInterface } from 'node:readline';
import { TLS_OPTIONS } from './options.ts';
import { createAuthority, issueCertificate } from '../../runtime/certificates/certificate.ts';

const PAYLOAD = 1_025;
const FRAME = Buffer.alloc(4 + PAYLOAD, 'x');
FRAME[0] = 0x81;
FRAME[1] = 126;
FRAME.writeUInt16BE(PAYLOAD, 2);
const BATCH = Buffer.concat(Array.from({ length: 32 }, () => FRAME));
/** RFC 6455 section 4.2.2. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const common = { now: Date.now(), days: 1 };
const authority = await createAuthority({ ...common, subject: 'CN=benchmark authority' });
const named = { ...common, subject: 'CN=benchmark', usage: 'server', ips: ['127.0.0.1'] } as const;
const server = createServer({ ...(await issueCertificate(authority, named)), ...TLS_OPTIONS });
const sockets = new Set<Duplex>();
server.on('upgrade', (request, socket) => {
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${GUID}`).digest('base64');
  const head = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
  socket.write([...head, `Sec-WebSocket-Accept: ${accept}`, '', ''].join('\r\n'));
  socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
  sockets.add(socket);
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);
});

for await (const line of createInterface({ input: process.stdin })) if (line === 'start') break;
for (;;) {
  await Promise.all([...sockets].map((socket) => new Promise((resolve) => socket.write(BATCH, resolve))));
}
