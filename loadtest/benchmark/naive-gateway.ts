/**
 * A gateway written in the simplest way: each event is parsed, and stringified again for every connection. The
 * yardstick of P6. Environment: REDIS_URL, PARTITIONS. Prints {"port":N}.
 */
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { WebSocketServer } from 'ws';

const partitions = Number(process.env['PARTITIONS'] ?? 4);
const keys = Array.from({ length: partitions }, (_, partition) => `firehose:{${partition}}:events`);
const redis = new Redis(process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379');
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
server.on('connection', (socket) => socket.on('error', () => socket.terminate()));

async function follow(): Promise<never> {
  const last = keys.map(() => '0-0');
  for (;;) {
    const reply = (await redis.xread('COUNT', 10, 'BLOCK', 1_000, 'STREAMS', ...keys, ...last)) ?? [];
    for (const [key, entries] of reply) {
      for (const [id, fields] of entries) {
        last[keys.indexOf(key)] = id;
        const event: unknown = JSON.parse(fields[fields.indexOf('d') + 1] ?? 'null');
        for (const client of server.clients) client.send(JSON.stringify(event));
      }
    }
  }
}

server.on('listening', () => {
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);
});
await follow();
