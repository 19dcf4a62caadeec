import { silentLogger } from '../../runtime/logging/logger.ts';
import { commandClient, type RedisClient } from '../../runtime/redis/client.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { startTcpProxy, type TcpProxy } from '../../testing/tcp-proxy.ts';
import { logIn } from './call-client.ts';
import { callVoice, type CallVoice } from './call-voice.ts';
import type { Product } from './product.ts';
import type { Replica } from './replica.ts';
import { openWorldOn } from './world.ts';

/**
 * More than eight members: two replicas that keep live calls, each with its own connection to Redis, and the traffic of
 * the test.
 */
export interface CallWorld extends AsyncDisposable {
  readonly replicas: readonly Replica[];
  /** Each replica's own proxy to Redis. */
  readonly links: readonly TcpProxy[];
  readonly partitions: number;
  readonly accounts: readonly string[];
  readonly voice: CallVoice;
  /** Traffic to only one replica. */
  readonly voiceTo: (replica: Replica) => CallVoice;
  /** From the log, read directly. */
  readonly client: RedisClient;
  readonly token: string;
}

export interface CallWorldOptions {
  readonly partitions: number;
  readonly accounts: number;
}

export async function openCallWorld(
  product: Product,
  { partitions, accounts: count }: CallWorldOptions,
): Promise<CallWorld> {
  await using stack = new AsyncDisposableStack();
  const redis = stack.use(await startRedis());
  const links = [stack.use(await startTcpProxy(redis.port)), stack.use(await startTcpProxy(redis.port))];
  const spec = { calls: { enabled: true, silentAfter: '1h' }, stream: { partitions } };
  const world = stack.use(await openWorldOn(redis.url, product, { spec, redisUrls: links.map(({ url }) => url) }));
  const { replicas, setup } = world;
  const accounts = Array.from({ length: count }, (_, n) => `tenant-${n}`);
  await setup.writeDirectory({ accounts: { root: null, ...Object.fromEntries(accounts.map((id) => [id, 'root'])) } });
  const client = commandClient(redis.url, { logger: silentLogger, name: 'faults' });
  stack.defer(() => client.disconnect());
  const [first] = replicas;
  if (first === undefined) throw new Error('there is no replica');
  const token = await logIn(first);
  const voiceTo = (replica: Replica) => callVoice([replica], setup.stateFolder);
  const voice = callVoice(replicas, setup.stateFolder);
  const owned = stack.move();
  const close = () => owned.disposeAsync();
  return { replicas, links, partitions, accounts, voice, voiceTo, client, token, [Symbol.asyncDispose]: close };
}
