import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULT_KEY_PREFIX, streamKeys } from '../../protocol/keys.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { startTcpProxy } from '../../testing/tcp-proxy.ts';
import { callsLateList, callsLateWrite, callsSlowLink } from './call-links.ts';
import { liveCalls } from './call-scenarios.ts';
import { redisCommand } from './redis-cli.ts';
import type { Product } from './product.ts';
import { TREE } from './setup.ts';
import { groupAccounts } from './group-accounts.ts';
import {
  groupConsumers,
  groupDead,
  groupHandOver,
  groupKilled,
  groupPaused,
  groupLost,
  groupSlots,
  groupReplicas,
} from './group-scenarios.ts';
import { clockSteps, rollingRestart, descriptorsGone, reconnectStorm } from './process-scenarios.ts';
import { accountOfConsumer, openWorld, openWorldOn, until, type World } from './world.ts';

/** Faults found; empty for a correct run. */
export type Scenario = (product: Product) => Promise<string[]>;

const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];

/** One of each kind: everything, a subtree, a list of events, and both contracts. */
async function joinAll(world: World): Promise<void> {
  await world.join({ name: 'all, plain', account: 'root' });
  await world.join({ name: 'all, plain, another', account: 'root' });
  await world.join({ name: 'all, control', account: 'root', control: true });
  await world.join({ name: 'subtree', account: 'north', control: true });
  await world.join({ name: 'two events', account: 'root', events: ['DTMF', 'CHANNEL_DESTROY'] });
  await world.join({ name: 'one account', account: 'root', accounts: ['south'], control: true });
}

/** I2, I3, I4, I5: connections are cut at any point, and resumed by cursor on the other replica. */
const cuts: Scenario = async (product) => {
  await using world = await openWorld(product);
  await joinAll(world);
  world.producer.start();
  for (let cut = 0; cut < 60; cut += 1) {
    await delay(Math.random() * 150);
    world.consumers[cut % world.consumers.length]?.crash();
  }
  return await world.settle();
};

/** I1, I2, I3: gateways are killed one after the other. */
const gatewayKilled: Scenario = async (product) => {
  await using world = await openWorld(product);
  await joinAll(world);
  world.producer.start();
  for (const replica of [...world.replicas, ...world.replicas]) {
    await delay(700);
    await replica.end('SIGKILL');
    await replica.start();
  }
  return await world.settle();
};

/** I1, I2, I3, I12: Redis with AOF is killed under load, once for each mode of the AOF. */
const redisKilled: Scenario = async (product) => {
  await using world = await openWorld(product, { redisArgs: DURABLE });
  await joinAll(world);
  world.producer.start();
  for (const fsync of ['always', 'everysec']) {
    await redisCommand(world.redis.port, 'CONFIG', 'SET', 'appendfsync', fsync);
    await delay(1_000);
    await world.redis.kill();
    await delay(300);
    await world.redis.restart();
    const before = world.producer.total;
    if (!(await until(() => world.producer.total > before, 10_000)))
      return ['nothing was taken 10 s after Redis had come back'];
  }
  await delay(500);
  const faults = await world.settle();
  // Redis stops; connections remain.
  const closed = world.consumers.flatMap(({ name, closes }) =>
    closes.map(({ code }) => `${name}: closed with ${code}`),
  );
  return [...faults, ...closed];
};

/** I1, I2, I3: what was appended, and whose reply was lost, is sent again and known again. */
const repliesLost: Scenario = async (product) => {
  await using stack = new AsyncDisposableStack();
  const redis = stack.use(await startRedis());
  const links = [stack.use(await startTcpProxy(redis.port)), stack.use(await startTcpProxy(redis.port))];
  const spec = { stream: { partitions: 2 } };
  const world = stack.use(await openWorldOn(redis.url, product, { spec, redisUrls: links.map(({ url }) => url) }));
  await joinAll(world);
  world.producer.start();
  const appended = async () => {
    const counts = await Promise.all(
      [0, 1].map((at) => redisCommand(redis.port, 'XLEN', streamKeys(DEFAULT_KEY_PREFIX, at).events)),
    );
    return counts.map(Number).reduce((sum, count) => sum + count, 0);
  };
  for (let lost = 0; lost < 5; lost += 1) {
    // What is taken shows that the connection for appends is open again.
    const before = world.producer.total;
    if (!(await until(() => world.producer.total > before, 10_000)))
      return [`nothing was taken after ${lost} lost replies`];
    for (const link of links) link.loseReplies(true);
    const isLost = await until(async () => (await appended()) > world.producer.total, 10_000);
    for (const link of links) link.loseReplies(false);
    if (!isLost) return ['nothing was appended whose reply could be lost'];
  }
  return await world.settle();
};

/** I6: half of the consumers do not read. They get everything once they do, and the others are not delayed. */
const slow: Scenario = async (product) => {
  await using world = await openWorld(product, { fillerBytes: 12_000, rate: 1_000 });
  await joinAll(world);
  // Consumers join the replicas in turn: the third one is on the replica of the first.
  const [first, second, other, third] = world.consumers;
  const paused = [first, second, third];
  world.producer.start();
  for (const one of paused) one?.pause();
  // The kernels of both ends buffer megabytes first; measuring starts after that.
  if (!(await until(() => staysBehind(world), 30_000))) return ['a consumer that does not read never fell behind'];
  await delay(3_000);
  const behind = other === undefined ? 0 : accountOfConsumer(other, world.producer).lost;
  for (const one of paused) one?.resume();
  const faults = await world.settle();
  return behind > 500
    ? [...faults, `a consumer that reads is ${behind} events behind beside one that does not`]
    : faults;
};

/** Whether a connection is behind at several consecutive checks: any connection is behind for a moment at times. */
async function staysBehind(world: World): Promise<boolean> {
  for (let look = 0; look < 10; look += 1) {
    if (!(await hasOneBehind(world))) return false;
    await delay(50);
  }
  return true;
}

async function hasOneBehind({ replicas }: World): Promise<boolean> {
  const texts = await Promise.all(replicas.map(async ({ inner }) => (await fetch(`http://${inner}/metrics`)).text()));
  return texts.some((text) => /^firehose_behind_connections [1-9]/m.test(text));
}

/** I4: loss of trimmed entries is reported before the upgrade, and by a frame to a client that asked to continue. */
const gap: Scenario = async (product) => {
  await using world = await openWorld(product, {
    replicas: 1,
    rate: 4_000,
    spec: { stream: { retention: { maxLength: 200 } } },
  });
  const strict = await world.join({ name: 'fails on a gap', account: 'root' });
  const clamped = await world.join({ name: 'goes on after a gap', account: 'root', control: true, onGap: 'clamp' });
  world.producer.start();
  await until(() => strict.arrivals.length > 500 && clamped.arrivals.length > 500, 10_000);
  await world.producer.stop();
  await Promise.all([strict.stop(), clamped.stop()]);
  const [replica] = world.replicas;
  const host = replica?.host ?? '';
  const lengthNow = async () => Number(await redisCommand(world.redis.port, 'XLEN', 'firehose:{0}:events'));
  world.producer.start();
  // Trimming runs every ten seconds.
  let most = 0;
  const trimmed = await until(async () => {
    const length = await lengthNow();
    const isTrimmed = length < most;
    most = Math.max(most, length);
    return isTrimmed;
  }, 30_000);
  await world.producer.stop();
  if (!trimmed) return ['the log was not trimmed'];
  const faults: string[] = [];
  const answer = await strict.ask(host, { cursor: strict.cursor });
  if (answer.status !== 410)
    faults.push(`a cursor that is too old was answered with ${answer.status ?? 'an open connection'}`);
  const told = await clamped.ask(host, { cursor: clamped.cursor });
  if (!told.gaps.includes('cursor_too_old')) faults.push('a gap was not told to a client that asked to continue');
  return faults;
};

/** I4: every connection is notified of streams that were lost and refilled. */
const epochLost: Scenario = async (product) => {
  await using world = await openWorld(product, { replicas: 1 });
  await joinAll(world);
  const clamped = await world.join({ name: 'clamped', account: 'root', control: true, onGap: 'clamp' });
  world.producer.start();
  await until(() => world.consumers.every(({ arrivals }) => arrivals.length > 100), 10_000);
  await world.producer.stop();
  const cursor = world.consumers[0]?.cursor ?? '';
  await redisCommand(world.redis.port, 'FLUSHALL');
  world.producer.start();
  await until(() => world.consumers.every(({ told }) => told.length > 0), 12_000);
  await world.producer.stop();
  const silent = world.consumers
    .filter(({ told }) => told.length === 0)
    .map(({ name }) => `${name}: a lost log was not told`);
  const answer = await clamped.ask(world.replicas[0]?.host ?? '', { cursor, on_gap: 'fail' });
  return answer.status === 410
    ? silent
    : [...silent, `a cursor of a lost log was answered with ${answer.status ?? 'an open connection'}`];
};

/**
 * I5: accounts that move out of a subtree are no longer visible from there, live or replayed, and a disabled user is
 * cut off.
 */
const scope: Scenario = async (product) => {
  await using world = await openWorld(product, { replicas: 1 });
  await joinAll(world);
  const north = world.consumers.find(({ name }) => name === 'subtree');
  const probe = await world.join({ name: 'probe', account: 'root', accounts: ['north-1'] });
  const disabled = await world.join({ name: 'disabled', account: 'south' });
  world.producer.start();
  await until(() => world.consumers.every(({ arrivals }) => arrivals.length > 100), 10_000);
  await world.producer.stop();
  const accounts = { ...TREE.accounts, 'north-1': 'south' };
  await world.setup.writeDirectory({ accounts });
  const faults: string[] = [];
  // In force within two seconds; it applies to events that are published afterwards.
  await delay(2_500);
  const before = north?.arrivals.length ?? 0;
  const probed = probe.arrivals.length;
  world.producer.start();
  await until(() => probe.arrivals.length > probed + 100, 10_000);
  await world.producer.stop();
  await delay(500);
  const leaked = (north?.arrivals.slice(before) ?? []).filter(({ call }) => call % 4 === 2);
  if (leaked.length > 0) faults.push(`${leaked.length} events of an account that had moved away`);
  const replayed = await north?.ask(world.replicas[0]?.host ?? '', { from: '-1h' });
  if ((replayed?.arrivals ?? []).some(({ call }) => call % 4 === 2))
    faults.push('a replay gave events of an account that had moved away');
  await world.setup.writeDirectory({ accounts, disabled: ['south'] });
  if (!(await until(() => disabled.closes.some(({ code }) => code === 4503), 4_000)))
    faults.push('a user who was disabled is still connected');
  return faults;
};

/** I7: a rolling restart closes each connection at most once, spread over the window, and loses nothing. */
const drained: Scenario = async (product) => {
  await using world = await openWorld(product, { spec: { gateway: { connections: { drainTimeout: '3s' } } } });
  for (let at = 0; at < 20; at += 1)
    await world.join({ name: `consumer ${at}`, account: 'root', control: at % 2 === 0 });
  world.producer.start();
  await delay(500);
  const [replica] = world.replicas;
  const start = performance.now();
  await replica?.end('SIGTERM');
  const took = performance.now() - start;
  await replica?.start();
  const faults = await world.settle();
  const closes = world.consumers.flatMap((consumer) => consumer.closes);
  const moments = closes.map(({ at }) => at - start);
  if (world.consumers.some((consumer) => consumer.closes.length > 1))
    faults.push('a client had to reconnect more than once');
  if (closes.some(({ code }) => code !== 1012)) faults.push(`closed with ${closes.map(({ code }) => code).join()}`);
  if (Math.max(...moments) - Math.min(...moments) < 1_500)
    faults.push('reconnects were not spread over the drain window');
  if (took > 8_000) faults.push(`the drain took ${Math.round(took)} ms`);
  return faults;
};

export const SCENARIOS = {
  cuts,
  gatewayKilled,
  redisKilled,
  repliesLost,
  slow,
  gap,
  epochLost,
  scope,
  drained,
  groupConsumers,
  groupDead,
  groupHandOver,
  groupKilled,
  groupPaused,
  groupLost,
  groupSlots,
  groupReplicas,
  groupAccounts,
  liveCalls,
  callsSlowLink,
  callsLateWrite,
  callsLateList,
  clockSteps,
  rollingRestart,
  descriptorsGone,
  reconnectStorm,
} as const satisfies Record<string, Scenario>;
export type ScenarioName = keyof typeof SCENARIOS;
