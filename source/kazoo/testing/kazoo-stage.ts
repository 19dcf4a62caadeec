import { startRabbit, type RabbitServer } from '../../../testing/rabbitmq-server.ts';
import { startRedis, type RedisServer } from '../../../testing/redis-server.ts';
import { until } from '../../../testing/until.ts';
import type { KazooGiven, RunningKazoo } from './kazoo-bus.ts';

/** A broker and a Redis for sources of Kazoo. */
export interface KazooStage extends AsyncDisposable {
  readonly rabbit: RabbitServer;
  readonly redis: RedisServer;
  /** A source with a queue, an exchange and streams of its own. */
  ownSource(more?: Partial<KazooGiven>): KazooGiven;
  /** Messages of its queue: ready and unacknowledged ones. */
  inQueue(given: KazooGiven): Promise<string>;
}

export async function startKazooStage(): Promise<KazooStage> {
  const [rabbit, redis] = await Promise.all([startRabbit(), startRedis()]);
  let sources = 0;
  return {
    rabbit,
    redis,
    ownSource(more = {}) {
      sources += 1;
      return {
        brokers: [{ url: rabbit.url, policy: null }],
        redisUrl: redis.url,
        keyPrefix: `test${sources}:`,
        source: `telephony/kazoo${sources}`,
        replica: 'a',
        exchange: `callevt${sources}`,
        ...more,
      };
    },
    async inQueue({ source }) {
      const listed = await rabbit.ctl('list_queues', 'name', 'messages_ready', 'messages_unacknowledged');
      const line = listed.split('\n').find((one) => one.startsWith(`firehose.${source.replace('/', '.')}\t`));
      return line?.split('\t').slice(1).join() ?? 'none';
    },
    async [Symbol.asyncDispose]() {
      await rabbit[Symbol.asyncDispose]();
      await redis.stop();
    },
  };
}

export const isBound = ({ states, bus }: RunningKazoo) =>
  until('the source is bound', () => bus.figures().map(({ endpoint }) => states.get(endpoint)), {
    holds: (seen) => seen.length > 0 && seen.every((state) => state?.bound === true),
  });
