import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { it } from 'node:test';
import type { RedisOptions } from 'ioredis';
import { startRedis } from '../../testing/redis-server.ts';
import { LastingRedis } from './lasting-redis.ts';

it(
  'comes back when the search for a server was broken off, and ends when it is told to',
  { timeout: 30_000 },
  async () => {
    await using redis = await startRedis();
    let searches = 0;
    let socket: Socket | null = null;
    /** Like the connector of the sentinels when it is notified of a failover during its search. */
    class BrokenOff {
      check(): boolean {
        return true;
      }
      connect(): Promise<Socket> {
        searches += 1;
        if (searches === 1) return Promise.reject(new Error('Connection is closed.'));
        socket = connect({ host: '127.0.0.1', port: redis.port });
        return Promise.resolve(socket);
      }
      disconnect(): void {
        socket?.end();
      }
    }
    const Connector = BrokenOff as unknown as NonNullable<RedisOptions['Connector']>;
    const client = new LastingRedis({ Connector, replyMapping: 'legacy', protocol: 2, disableClientInfo: true });
    client.on('error', () => undefined);
    const comes = (event: string) => new Promise<void>((resolve) => void client.once(event, () => resolve()));
    await comes('end');
    await comes('ready');
    assert.equal(await client.ping(), 'PONG');
    const ended = comes('end');
    client.disconnect();
    await ended;
    assert.equal(searches, 2);
  },
);
