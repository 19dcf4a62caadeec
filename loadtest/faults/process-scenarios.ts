import { execFileSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Product } from './product.ts';
import { startBalancer } from './balancer.ts';
import type { Replica } from './replica.ts';
import { openWorld, until } from './world.ts';

const CLOCK = new URL('stepping-clock.ts', import.meta.url).href;

/**
 * I11: the wall clock of a replica is set forward and back, by less than the lifetime of its tokens. No connection is
 * closed because of it, and idle ones still receive watermarks.
 */
export async function clockSteps(product: Product): Promise<string[]> {
  await using world = await openWorld(product, {
    replicas: 1,
    rate: 500,
    environment: { NODE_OPTIONS: `--import ${CLOCK}`, FAULTS_CLOCK_STEPS: '1200,-2400' },
  });
  let watermarks = 0;
  const watch = () => ({
    event: () => undefined,
    frame: ({ type }: { type: string }) => void (watermarks += Number(type === 'watermark')),
    ended: () => undefined,
  });
  await world.join({ name: 'all, plain', account: 'root' });
  await world.join({ name: 'all, control', account: 'root', control: true });
  const idle = await world.join({
    name: 'idle',
    account: 'south',
    events: ['CHANNEL_BRIDGE'],
    control: true,
    onConnection: watch,
  });
  world.producer.start();
  const faults: string[] = [];
  // Earlier bytes are received by then, and no longer count as a sign of life.
  await delay(3_000);
  for (const step of ['forward', 'back']) {
    world.replicas[0]?.signal('SIGUSR2');
    const before = watermarks;
    if (!(await until(() => watermarks > before, 20_000))) faults.push(`no watermark after a step ${step}`);
  }
  const closes = [...world.consumers, idle].flatMap((one) =>
    one.closes.map(({ code }) => `${one.name}: closed with ${code}`),
  );
  return [...faults, ...(await world.settle()), ...closes];
}

/** I7: both replicas are replaced behind a proxy; the new ones start before the old ones drain. */
export async function rollingRestart(product: Product): Promise<string[]> {
  const spec = { gateway: { connections: { drainTimeout: '3s' } } };
  await using world = await openWorld(product, { rate: 1_000, spec });
  await using balancer = await startBalancer(world.replicas);
  const front = [{ host: balancer.host, isUp: true }];
  for (let at = 0; at < 20; at += 1)
    await world.join({ name: `consumer ${at}`, account: 'root', control: at % 2 === 0 }, front);
  world.producer.start();
  const old = [...world.replicas];
  for (const _ of old) balancer.add(await world.grow());
  await delay(1_500);
  await Promise.all(old.map((replica) => replica.end('SIGTERM')));
  const faults = await world.settle();
  const closes = world.consumers.map(({ closes: all }) => all.map(({ code }) => code));
  if (closes.some((codes) => codes.length !== 1 || codes[0] !== 1012))
    faults.push(`clients were closed with ${closes.map((codes) => codes.join('+') || 'nothing').join()}`);
  return faults;
}

/** Open descriptors of a process. */
const descriptors = async ({ pid }: Replica) => (await readdir(`/proc/${pid}/fd`)).length;

/**
 * I11, I12: a replica runs out of file descriptors under a flood of connections. It still serves its connections, does
 * not end, and accepts new ones as soon as there is room.
 */
export async function descriptorsGone(product: Product): Promise<string[]> {
  await using world = await openWorld(product, { replicas: 1 });
  const [replica] = world.replicas;
  if (replica === undefined) return ['there is no replica'];
  for (let at = 0; at < 4; at += 1)
    await world.join({ name: `consumer ${at}`, account: 'root', control: at % 2 === 0 });
  world.producer.start();
  await until(() => world.producer.total > 500, 15_000);
  const { pid } = replica;
  const limit = (await descriptors(replica)) + 20;
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${limit}`]);
  const port = Number(replica.host?.split(':')[1]);
  const flood = Array.from({ length: 200 }, () => open(port));
  const isFull = await until(async () => (await descriptors(replica)) >= limit - 2, 10_000);
  const before = world.consumers.map(({ arrivals }) => arrivals.length);
  const goesOn = await until(
    () => world.consumers.every((one, at) => one.arrivals.length > (before[at] ?? 0) + 500),
    15_000,
  );
  for (const socket of flood) socket.destroy();
  // Refused while the replica has no descriptors; `until` retries, and reaching its limit is a fault of the run.
  const answers = async () => (await fetch(`http://${replica.inner}/livez`).catch(() => null))?.status === 200;
  const takesNew = async () =>
    (await world.consumers[0]?.ask(replica.host ?? '', {}).catch(() => null))?.status === null;
  const isBack = (await until(answers, 15_000)) && (await until(takesNew, 15_000));
  const faults = await world.settle();
  if (!isFull) faults.push('the replica never ran out of descriptors');
  if (!goesOn) faults.push('connections were not served on while there were no descriptors');
  if (!isBack) faults.push('no new connection is taken though there are descriptors again');
  if (!replica.isUp || replica.pid !== pid) faults.push('the replica ended');
  const closed = world.consumers.filter(({ closes }) => closes.length > 0).length;
  return closed === 0 ? faults : [...faults, `${closed} connections were closed`];
}

/** A TCP connection without any data. */
function open(port: number): Socket {
  const socket = connect({ host: '127.0.0.1', port });
  // Expected: the replica may refuse or end it.
  socket.on('error', () => undefined);
  return socket;
}

const CROWD = 1_000;

/** I1, I2, I3, I12: a replica dies with a thousand connections, and all of them reconnect to the other one at once. */
export async function reconnectStorm(product: Product): Promise<string[]> {
  await using world = await openWorld(product, {
    rate: 40,
    spec: { gateway: { connections: { maxPerReplica: 3_000, maxPerAccount: 3_000 } } },
  });
  const [staying, dying] = world.replicas;
  if (staying === undefined || dying === undefined) return ['there are no two replicas'];
  const first = await world.join({ name: 'consumer 0', account: 'south' });
  const token = await first.login(staying.host ?? '');
  const join = (at: number) => world.join({ name: `consumer ${at}`, account: 'south', token, control: at % 2 === 0 });
  for (let at = 1; at < 2 * CROWD; at += 50)
    await Promise.all(Array.from({ length: 50 }, (_, more) => join(at + more)));
  world.producer.start();
  await delay(2_000);
  await dying.end('SIGKILL');
  const areBack = () => world.consumers.every(({ closes, connected }) => connected > closes.length);
  const isOver = await until(areBack, 20_000);
  await delay(1_000);
  const faults = await world.settle();
  const cut = world.consumers.filter(({ closes }) => closes.length > 0);
  if (!isOver) faults.push('not everybody is connected again after 20 s');
  if (cut.length < CROWD * 0.9) faults.push(`only ${cut.length} connections were on the replica that died`);
  if (cut.some(({ closes }) => closes.length > 1)) faults.push('a client was cut off more than once');
  return faults.slice(0, 10);
}
