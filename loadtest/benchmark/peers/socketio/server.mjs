/**
 * The yardstick of P3 and P4: socket.io with its Redis Streams adapter, set up as in its documentation. Every client
 * gets every event. Environment: REDIS_URL. Prints {"port":N} once the adapter is connected.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
await once(redis, 'ready');
const http = createServer();
// No ping within a run: the generator's answers would be work that other servers do not have.
const io = new Server(http, {
  adapter: createAdapter(redis),
  transports: ['websocket'],
  perMessageDeflate: false,
  pingInterval: 600_000,
  serveClient: false,
});
io.on('connection', (socket) => socket.on('error', () => socket.disconnect(true)));
http.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: http.address().port })}\n`);
});
