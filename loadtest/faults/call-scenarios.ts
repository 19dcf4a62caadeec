import { setTimeout as delay } from 'node:timers/promises';
import { callKeys } from '../../protocol/keys.ts';
import { takeCalls, type Taken } from './call-client.ts';
import { endedTwice, readPartition } from './call-log.ts';
import { CallTraffic } from './call-traffic.ts';
import { judgeSnapshots } from './call-verdict.ts';
import { openCallWorld, type CallWorld } from './call-world.ts';
import type { Product } from './product.ts';
import type { Replica } from './replica.ts';
import { until } from './world.ts';

/** So many that a snapshot takes several reads, and that some have their first call while it is read. */
const ACCOUNTS = 1_000;
/** Number of compared snapshots, over the whole time. */
const COMPARED = 80;

/**
 * LC1, LC3, LC6: takes snapshots while calls arrive, while a switch sends lists of its calls and omits ends, and while
 * replicas are killed and paused at random. Compares each snapshot with a plain reduction of the whole log.
 */
export async function liveCalls(product: Product): Promise<string[]> {
  await using world = await openCallWorld(product, { partitions: 2, accounts: ACCOUNTS });
  const { replicas, voice, accounts, token } = world;
  const [first] = replicas;
  if (first === undefined) return ['there is no replica'];
  const traffic = new CallTraffic({ voice, accounts, eventsPerSecond: 600 });
  traffic.start();
  // A replica that does not know an account yet correctly shows none of its calls.
  const knows = async (replica: Replica) => {
    const shown = new Set((await takeCalls(replica, token))?.calls.map(({ account_id: account }) => account));
    return shown.size > ACCOUNTS / 4;
  };
  const all = async () => (await Promise.all(replicas.map(knows))).every(Boolean);
  if (!(await until(all, 90_000))) return ['no snapshot shows calls of many accounts'];
  const taken = await takeWhile(world, traffic, () => meddle(replicas));
  await traffic.stop();
  return [...(await settle(world, traffic, first)), ...(await compare(world, first, taken))];
}

/** Takes snapshots of all replicas, and sends lists, until `done`. */
async function takeWhile(
  { replicas, token }: CallWorld,
  traffic: CallTraffic,
  done: () => Promise<void>,
): Promise<readonly Taken[]> {
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
  const running = [...replicas.map(look), list()];
  await done();
  over.abort();
  await Promise.all(running);
  return taken;
}

/** Replicas are killed and restarted; others are paused for longer than their lease, and continue. */
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

/** The switch has lost all its calls: each ends once, and no key of a call remains. */
async function settle(
  { client, token, accounts, partitions }: CallWorld,
  traffic: CallTraffic,
  replica: Replica,
): Promise<string[]> {
  const faults: string[] = [];
  const isEmpty = async () => {
    await traffic.list(true);
    return (await takeCalls(replica, token))?.calls.length === 0;
  };
  if (!(await until(isEmpty, 60_000))) faults.push('calls are left although the switch has none');
  for (let partition = 0; partition < partitions; partition += 1) {
    const keys = callKeys('firehose:', partition);
    const left = await client.exists(keys.accounts, ...accounts.map(keys.legs));
    if (left > 0) faults.push(`${left} keys of calls are left in partition ${partition}`);
    const twice = endedTwice(await readPartition(client, partition));
    if (twice > 0) faults.push(`${twice} calls of partition ${partition} have two ends`);
  }
  return faults;
}

async function compare(world: CallWorld, replica: Replica, all: readonly Taken[]): Promise<string[]> {
  const step = Math.ceil(all.length / COMPARED);
  const taken = all.filter((_, at) => at % step === 0);
  const faults = await judgeSnapshots(world, replica, taken);
  const shown = taken.reduce((sum, { calls }) => sum + calls.length, 0);
  return taken.length < 20 || shown < 1_000 ? [...faults, `only ${taken.length} snapshots, ${shown} calls`] : faults;
}
