import { setTimeout as delay } from 'node:timers/promises';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { Consumer, type ConsumerOptions } from './consumer.ts';
import { accountFor, faultsOf } from '../oracle/account.ts';
import { Producer } from './producer.ts';
import type { Product } from './product.ts';
import { Replica } from './replica.ts';
import { setUp, type Setup, type SetupOptions } from './setup.ts';

const SETTLE_LIMIT_MS = 15_000;
const POLL_MS = 50;

/** Replicas with a Redis, a producer and consumers; all of it ends with the scenario. */
export interface World extends AsyncDisposable {
  readonly setup: Setup;
  readonly replicas: readonly Replica[];
  /** One more replica, which accepts events as well. */
  grow(): Promise<Replica>;
  readonly producer: Producer;
  readonly consumers: Consumer[];
  /** To the replicas, or to a proxy in front of them. */
  join(options: Omit<ConsumerOptions, 'replicas'>, to?: ConsumerOptions['replicas']): Promise<Consumer>;
  /** The verdict on a scenario at its end: stops producing, and waits until all consumers have their owed events. */
  settle(): Promise<string[]>;
}

export interface WorldOptions {
  readonly replicas?: number;
  readonly rate?: number;
  readonly fillerBytes?: number;
  readonly calls?: number;
  readonly spec?: SetupOptions['spec'];
  /** In addition to the setup of each replica. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Each replica's own proxy to Redis; default: the same for all. */
  readonly redisUrls?: readonly string[];
}

/** A world with a Redis of its own. */
export async function openWorld(
  product: Product,
  { redisArgs = [], ...options }: WorldOptions & { readonly redisArgs?: readonly string[] } = {},
): Promise<World & { readonly redis: RedisServer }> {
  await using stack = new AsyncDisposableStack();
  const redis = stack.use(await startRedis({ args: redisArgs }));
  const world = stack.use(await openWorldOn(redis.url, product, options));
  const owned = stack.move();
  return { ...world, redis, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

export async function openWorldOn(redisUrl: string, product: Product, options: WorldOptions): Promise<World> {
  const { replicas: count = 2, rate = 2_000, fillerBytes = 300, calls, spec = {}, environment = {} } = options;
  const { redisUrls = [] } = options;
  await using stack = new AsyncDisposableStack();
  const setup = stack.use(await setUp({ redisUrl, spec, environment }));
  const replicas = Array.from({ length: count }, (_, at) =>
    stack.use(new Replica(product.root, withRedis(setup, redisUrls[at] ?? redisUrl))),
  );
  // The first one creates the keys that all of them share.
  for (const replica of replicas) await replica.start();
  const { stateFolder } = setup;
  const producer = new Producer({ replicas, stateFolder, rate, fillerBytes, ...(calls !== undefined && { calls }) });
  const consumers: Consumer[] = [];
  stack.defer(async () => void (await Promise.all(consumers.map((consumer) => consumer.stop()))));
  const started = stack.use(new AsyncDisposableStack());
  const owned = stack.move();
  return {
    setup,
    replicas,
    producer,
    consumers,
    async grow() {
      const replica = started.use(new Replica(product.root, setup));
      await replica.start();
      replicas.push(replica);
      return replica;
    },
    async join(options, to = replicas) {
      const consumer = new Consumer({ ...options, replicas: to }, consumers.length);
      consumers.push(consumer);
      await consumer.start();
      return consumer;
    },
    async settle() {
      await producer.stop();
      await until(() => consumers.every((consumer) => owedTo(consumer, producer) === 0), SETTLE_LIMIT_MS);
      return consumers.flatMap((consumer) => faultsOf(consumer.name, accountOfConsumer(consumer, producer)));
    },
    async [Symbol.asyncDispose]() {
      await producer.stop();
      await owned.disposeAsync();
    },
  };
}

function withRedis(setup: Setup, url: string): Setup {
  return { ...setup, environment: { ...setup.environment, REDIS_URL: url } };
}

export function accountOfConsumer(consumer: Consumer, producer: Producer) {
  return accountFor(producer.produced, (call, n) => consumer.isOwed(call, n), consumer.arrivals);
}

function owedTo(consumer: Consumer, producer: Producer): number {
  return accountOfConsumer(consumer, producer).lost;
}

/** Waits until it holds, at most for the limit; returns whether it did. */
export async function until(holds: () => boolean | Promise<boolean>, limitMs: number): Promise<boolean> {
  const end = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > end) return false;
    await delay(POLL_MS);
  }
  return true;
}
