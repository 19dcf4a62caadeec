import { setTimeout as delay } from 'node:timers/promises';
import { streamKeys } from '../../protocol/keys.ts';
import { startCluster } from '../../testing/redis-cluster.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { redisCommand } from './redis-cli.ts';
import { until } from './world.ts';
import type { Product } from './product.ts';
import type { Replica } from './replica.ts';
import { openGroupWorld, type GroupWorld } from './group-world.ts';

const KINDS = ['by cursor', 'by id', 'by pong', 'by cursor', 'by id', 'by pong'] as const;

const DRAINS_FAST = { gateway: { connections: { drainTimeout: '2s' } } };

async function joinAll(groups: GroupWorld): Promise<void> {
  for (const acknowledges of KINDS) await groups.join({ acknowledges });
}

/** Consumers die while they handle events, one after the other, at random moments. */
async function crash({ members }: GroupWorld, times: number, withinMs: number): Promise<void> {
  for (let at = 0; at < times; at += 1) {
    await delay(Math.random() * withinMs);
    members[at % members.length]?.crash();
  }
}

/** I1, I2, I3: consumers die, refuse and give up; the replicas stay. */
export async function groupConsumers(product: Product): Promise<string[]> {
  await using groups = await openGroupWorld(product, { rate: 1_000, calls: 200 });
  await joinAll(groups);
  groups.world.producer.start();
  await crash(groups, 40, 200);
  const { account, faults } = await groups.settle();
  return account.dead === 0 ? [...faults, 'nothing was given up'] : faults;
}

/** I1, I2: an event that was refused often enough becomes a dead letter, and its call continues. */
export async function groupDead(product: Product): Promise<string[]> {
  await using groups = await openGroupWorld(product, { rate: 500, calls: 100, maxDeliver: 3 });
  for (let at = 0; at < 4; at += 1) await groups.join({ acknowledges: 'by id', pills: 'refused' });
  groups.world.producer.start();
  await delay(2_000);
  const { account, faults } = await groups.settle();
  return account.dead === 0 ? [...faults, 'nothing was given up'] : faults;
}

/** I1, I2, I3, I7: replicas drain and return: no process died, so nothing arrives twice. */
export async function groupHandOver(product: Product): Promise<string[]> {
  await using groups = await openGroupWorld(product, { rate: 1_000, calls: 400, spec: DRAINS_FAST });
  const slowly = (replica?: Replica) => ({ handlesMs: 200, ...(replica !== undefined && { replicas: [replica] }) });
  for (const acknowledges of ['by id', 'by cursor', 'by id', 'by cursor'] as const)
    await groups.join({ acknowledges, ...slowly() });
  groups.world.producer.start();
  for (const replica of groups.world.replicas) {
    await delay(1_000);
    await replica.end('SIGTERM');
    await replica.start();
    // A connection to it makes it an owner again, and the other one hands over.
    for (const acknowledges of KINDS.slice(0, 3)) await groups.join({ acknowledges, ...slowly(replica) });
  }
  await delay(1_000);
  const { account, faults } = await groups.settle();
  return account.redelivered === 0 ? faults : [...faults, `${account.redelivered} came twice though nobody died`];
}

/** I1, I2, I12: a replica is killed with -9 while it has events; the other one continues at its place. */
export async function groupKilled(product: Product): Promise<string[]> {
  await using groups = await openGroupWorld(product, { rate: 1_000, calls: 400 });
  for (const acknowledges of ['by id', 'by cursor', 'by id', 'by pong'] as const)
    await groups.join({ acknowledges, handlesMs: 200 });
  groups.world.producer.start();
  await delay(1_500);
  await groups.world.replicas[1]?.end('SIGKILL');
  return (await groups.settle()).faults;
}

/**
 * I2, I3: the event loop of an owner stops beyond its lease, with events that are due again in the meantime. When it
 * continues, it writes and finishes none of them, and connections outside the group lose nothing.
 */
export async function groupPaused(product: Product): Promise<string[]> {
  await using groups = await openGroupWorld(product, { rate: 500, calls: 200 });
  const { world, ledger } = groups;
  // Not the one that ingests events.
  const [other, paused] = world.replicas;
  if (other === undefined || paused === undefined) return ['there are no two replicas'];
  for (let at = 0; at < 4; at += 1) await world.join({ name: `beside the group ${at}`, account: 'root' });
  const refusing = await groups.join({ acknowledges: 'by id', refusesForMs: 3_000, replicas: [paused] });
  await groups.join({ acknowledges: 'by cursor', replicas: [other] });
  world.producer.start();
  if (!(await until(() => ledger.count('refused') > 20, 15_000))) return ['the replica to be paused owns nothing'];
  // Without new events its loops wait for those that are due again: no command of theirs is under way, which would fail.
  await world.producer.stop();
  const from = performance.now();
  const links = groups.linksTo(paused);
  for (const link of links) link.mishaps.push({ from, to: Number.POSITIVE_INFINITY });
  paused.signal('SIGSTOP');
  const isTakenOver = await until(() => ledger.count('refused') === 0, 20_000);
  paused.signal('SIGCONT');
  world.producer.start();
  await delay(2_000);
  await refusing.stop();
  const { faults } = await groups.settle();
  return [
    ...faults,
    ...(await world.settle()),
    ...(isTakenOver ? [] : ['nobody took over from a replica that is paused']),
  ];
}

/**
 * I4, I12: under load, a group is deleted by hand, and a Redis is flushed: all connections are notified, and continue.
 */
export async function groupLost(product: Product): Promise<string[]> {
  await using redis = await startRedis();
  await using groups = await openGroupWorld(product, { redisUrl: redis.url, rate: 500, calls: 100 });
  await joinAll(groups);
  groups.world.producer.start();
  const faults: string[] = [];
  const goesOn = () => {
    const before = groups.ledger.count('handled');
    return until(() => groups.ledger.count('handled') > before + 300, 15_000);
  };
  const losses = {
    // In one partition: the replica that does not read it sees nothing of that by itself.
    'a group that was deleted': () =>
      redisCommand(redis.port, 'XGROUP', 'DESTROY', 'firehose:{0}:events', 'default/faults/default/root'),
    'a log that was flushed': () => redisCommand(redis.port, 'FLUSHALL'),
  };
  for (const [what, lose] of Object.entries(losses)) {
    if (!(await goesOn())) return [...faults, `nothing was delivered before ${what}`];
    const told = groups.members.map((member) => member.told.length);
    await lose();
    const areTold = () => groups.members.every((member, at) => member.told.length > (told[at] ?? 0));
    if (!(await until(areTold, 15_000))) faults.push(`${what} was not told to everyone`);
    if (!(await goesOn())) faults.push(`nothing is delivered after ${what}`);
  }
  return faults;
}

/**
 * I1, I2, I3: the slots of all partitions move in a Redis Cluster, key by key, with consumers of a group under load.
 */
export async function groupSlots(product: Product): Promise<string[]> {
  await using cluster = await startCluster();
  const { url: redisUrl } = cluster;
  await using groups = await openGroupWorld(product, {
    redisUrl,
    rate: 500,
    calls: 200,
    spec: { redis: { mode: 'Cluster' } },
  });
  await joinAll(groups);
  groups.world.producer.start();
  for (let partition = 0; partition < 4; partition += 1) {
    await delay(500);
    const { events } = streamKeys('firehose:', partition);
    const from = await cluster.masterOf(events);
    const to = cluster.masters.find((master) => master !== from);
    if (to !== undefined) await cluster.moveSlot(events, to);
  }
  await delay(500);
  return (await groups.settle()).faults;
}

/**
 * I1, I2, I3, I7, I12: of three replicas, one after the other is killed with -9 or drained, while consumers die too.
 */
export async function groupReplicas(product: Product): Promise<string[]> {
  await using groups = await openGroupWorld(product, {
    replicas: 3,
    rate: 2_000,
    calls: 400,
    spec: DRAINS_FAST,
  });
  const { replicas, producer } = groups.world;
  await joinAll(groups);
  producer.start();
  const crashing = crash(groups, 200, 200);
  for (const [at, replica] of [...replicas, ...replicas].entries()) {
    await delay(1_500);
    await replica.end(at % 3 === 1 ? 'SIGTERM' : 'SIGKILL');
    await replica.start();
  }
  await crashing;
  return (await groups.settle()).faults;
}
