import { isDeepStrictEqual } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import type { Call } from '../../protocol/call.ts';
import { callKeys } from '../../protocol/keys.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { commandClient, type RedisClient } from '../../runtime/redis/client.ts';
import { firstAfter, logIn, takeCalls, type Taken } from './call-client.ts';
import { callsBefore, endedTwice, readPartition } from './call-log.ts';
import { CallTraffic } from './call-traffic.ts';
import type { Product } from './product.ts';
import type { Replica } from './replica.ts';
import { openWorld, until, type World } from './world.ts';

const PARTITIONS = 2;
/** So many that a snapshot takes several reads, and that some have their first call while it is read. */
const ACCOUNTS = Array.from({ length: 1_000 }, (_, n) => `tenant-${n}`);
/** Snapshots that are compared, over the whole time. */
const COMPARED = 80;

interface Stage {
  readonly world: World;
  readonly client: RedisClient;
  readonly traffic: CallTraffic;
  readonly token: string;
}

/**
 * LC1, LC3, LC6: snapshots are taken all the while that calls come, that a switch says lists of its calls and forgets to say ends,
 * and that replicas are killed and paused at random. Each snapshot is compared with a plain reduction of the whole log.
 */
export async function liveCalls(product: Product): Promise<string[]> {
  const spec = { calls: { enabled: true, silentAfter: '1h' }, stream: { partitions: PARTITIONS } };
  await using world = await openWorld(product, { spec });
  const tenants = Object.fromEntries(ACCOUNTS.map((id) => [id, 'root']));
  await world.setup.writeDirectory({ accounts: { root: null, ...tenants } });
  using stack = new DisposableStack();
  const client = commandClient(world.redis.url, { logger: silentLogger, name: 'faults' });
  stack.defer(() => client.disconnect());
  const [first] = world.replicas;
  if (first === undefined) return ['there is no replica'];
  const token = await logIn(first);
  const { stateFolder } = world.setup;
  const traffic = new CallTraffic({ replicas: world.replicas, stateFolder, accounts: ACCOUNTS, eventsPerSecond: 600 });
  const stage: Stage = { world, client, traffic, token };
  traffic.start();
  // Who does not know an account yet rightly shows none of its calls.
  const knows = async (replica: Replica) => {
    const accounts = new Set((await takeCalls(replica, token))?.calls.map(({ account_id: account }) => account));
    return accounts.size > ACCOUNTS.length / 4;
  };
  const all = async () => (await Promise.all(world.replicas.map(knows))).every(Boolean);
  if (!(await until(all, 90_000))) return ['no snapshot shows calls of many accounts'];
  const taken = await takeWhile(stage, () => meddle(world.replicas));
  await traffic.stop();
  return [...(await settle(stage, first)), ...(await compare(stage, first, taken))];
}

/** Takes snapshots of all replicas, and says lists, until `done`. */
async function takeWhile({ world, traffic, token }: Stage, done: () => Promise<void>): Promise<readonly Taken[]> {
  const taken: Taken[] = [];
  const over = new AbortController();
  const look = async (replica: Replica) => {
    while (!over.signal.aborted) {
      const one = await takeCalls(replica, token);
      if (one !== null) taken.push(one);
      await delay(20 * Math.random());
    }
  };
  const list = async () => {
    while (!over.signal.aborted) {
      await delay(200 + 400 * Math.random());
      await traffic.list();
    }
  };
  const running = [...world.replicas.map(look), list()];
  await done();
  over.abort();
  await Promise.all(running);
  return taken;
}

/** Replicas are killed and come back; others are paused for longer than they are believed to live, and go on where they were. */
async function meddle(replicas: readonly Replica[]): Promise<void> {
  for (const how of ['kill', 'pause'] as const) {
    for (const replica of replicas) {
      await delay(500 + 1_500 * Math.random());
      if (how === 'kill') {
        await replica.end('SIGKILL');
        await delay(500);
        await replica.start();
      } else {
        replica.signal('SIGSTOP');
        await delay(8_000);
        replica.signal('SIGCONT');
        await delay(1_500);
      }
    }
  }
}

/** The switch has lost all its calls: each ends once, and no key of a call is left. */
async function settle({ client, traffic, token }: Stage, replica: Replica): Promise<string[]> {
  const faults: string[] = [];
  const isEmpty = async () => {
    await traffic.list(true);
    return (await takeCalls(replica, token))?.calls.length === 0;
  };
  if (!(await until(isEmpty, 60_000))) faults.push('calls are left although the switch has none');
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const { accounts, legs } = callKeys('firehose:', partition);
    const left = await client.exists(accounts, ...ACCOUNTS.map(legs));
    if (left > 0) faults.push(`${left} keys of calls are left in partition ${partition}`);
    const twice = endedTwice(await readPartition(client, partition));
    if (twice > 0) faults.push(`${twice} calls of partition ${partition} have two ends`);
  }
  return faults;
}

async function compare({ client, token }: Stage, replica: Replica, all: readonly Taken[]): Promise<string[]> {
  const step = Math.ceil(all.length / COMPARED);
  const taken = all.filter((_, at) => at % step === 0);
  const places = [];
  for (const { cursor } of taken) places.push(await firstAfter(replica, token, { cursor, partitions: PARTITIONS }));
  const expected = taken.map((): Call[] => []);
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const asked = places.map((place) => place[partition]);
    const parts = callsBefore(await readPartition(client, partition), asked);
    for (const [at, calls] of parts.entries()) expected[at]?.push(...calls);
  }
  const wrong = taken.filter(({ calls }, at) => !isDeepStrictEqual(byLeg(calls), byLeg(expected[at] ?? [])));
  const shown = taken.reduce((sum, { calls }) => sum + calls.length, 0);
  const faults = wrong.length === 0 ? [] : [`${wrong.length} of ${taken.length} snapshots are not what the log says`];
  return taken.length < 20 || shown < 1_000 ? [...faults, `only ${taken.length} snapshots, ${shown} calls`] : faults;
}

const byLeg = (calls: readonly Call[]) => new Map(calls.map((call) => [`${call.account_id}\t${call.call_id}`, call]));
