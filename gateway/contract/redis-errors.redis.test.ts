import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { freePort } from '../../testing/free-port.ts';
import { ask } from '../../testing/redis-process.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { startTcpProxy, type TcpProxy } from '../../testing/tcp-proxy.ts';
import { event } from './gateway.suite.ts';
import { startGateway, type RunningGateway } from '../testing/running-gateway.ts';
import { until } from '../../testing/until.ts';

const LIMIT = { timeout: 60_000 };

interface Fault {
  /** Ends the fault. */
  heal(): Promise<unknown>;
}

let sent = 0;
const next = () => event('account_id_1', 'CHANNEL_HOLD', (sent += 1));

/** The status of an ingest and the code of its event, null when it was accepted. */
async function ingest(running: RunningGateway, body: string): Promise<{ status: number; code: string | null }> {
  const answer = (await running.ingest(body)) as unknown as { status: number; body: { events: { code?: string }[] } };
  return { status: answer.status, code: answer.body.events[0]?.code ?? null };
}

/** Ingest answers 503 with the code during the fault; the connection stays, and everything continues after it. */
async function meets(running: RunningGateway, code: RegExp, provoke: () => Promise<Fault>): Promise<void> {
  const client = await running.connect(`?token=${await running.token()}`);
  const first = next();
  assert.deepEqual(await ingest(running, first), { status: 200, code: null });
  const fault = await provoke();
  const taken = [first];
  let refused = next();
  await until('ingest refused with the code', async () => {
    const answer = await ingest(running, refused);
    if (answer.status === 200) {
      // The fault had no effect yet.
      taken.push(refused);
      refused = next();
    }
    return answer.status === 503 && code.test(answer.code ?? '');
  });
  await fault.heal();
  await until('ingest accepted again', async () => (await ingest(running, refused)).status, {
    holds: (seen) => seen === 200,
  });
  const last = next();
  assert.equal((await ingest(running, last)).code, null);
  taken.push(refused, last);
  assert.deepEqual((await client.received(taken.length)).toSorted(), taken.toSorted());
  client.close();
}

type Provoke = (redis: RedisServer) => Promise<Fault>;
const configured =
  (name: string, bad: string, good: string): Provoke =>
  async ({ port }) => {
    await ask(port, ['config', 'set', name, bad]);
    return { heal: () => ask(port, ['config', 'set', name, good]) };
  };

const DEBUG = ['--enable-debug-command', 'yes'];
const REPLIES: readonly [code: string, args: readonly string[], provoke: Provoke][] = [
  ['OOM', [], configured('maxmemory', '1', '0')],
  ['NOREPLICAS', [], configured('min-replicas-to-write', '1', '0')],
  [
    'READONLY',
    [],
    async ({ port }) => {
      await ask(port, ['replicaof', '127.0.0.1', await freePort()]);
      return { heal: () => ask(port, ['replicaof', 'no', 'one']) };
    },
  ],
  [
    'NOPERM',
    [],
    async ({ port }) => {
      await ask(port, ['acl', 'setuser', 'default', '-xadd']);
      return { heal: () => ask(port, ['acl', 'setuser', 'default', '+xadd']) };
    },
  ],
  [
    'NOAUTH',
    [],
    async ({ port }) => {
      await ask(port, ['config', 'set', 'requirepass', 'secret']);
      await ask(port, ['client', 'kill', 'type', 'normal'], 'secret');
      return { heal: () => ask(port, ['config', 'set', 'requirepass', ''], 'secret') };
    },
  ],
  [
    'BUSY',
    ['--busy-reply-threshold', '50'],
    ({ port }) => {
      const running = ask(port, ['eval', 'while true do end', 0]).catch(() => undefined);
      const heal = async () => {
        await ask(port, ['script', 'kill']);
        await running;
      };
      return Promise.resolve({ heal });
    },
  ],
  [
    'MISCONF',
    ['--save', '3600 1000000'],
    async ({ port, dir }) => {
      // A dump cannot replace a folder.
      const inTheWay = join(dir, 'dump.rdb');
      await mkdir(inTheWay);
      const saved = (status: string) =>
        until('the status of the last dump', async () => {
          await ask(port, ['bgsave']).catch(() => undefined);
          return String(await ask(port, ['info', 'persistence'])).includes(`rdb_last_bgsave_status:${status}`);
        });
      await saved('err');
      const heal = async () => {
        await rmdir(inTheWay);
        await saved('ok');
      };
      return { heal };
    },
  ],
  [
    'LOADING',
    [...DEBUG, '--loading-process-events-interval-bytes', '1024', '--key-load-delay', '300'],
    async ({ port }) => {
      await ask(port, ['debug', 'populate', 10_000, 'filling']);
      const reload = ask(port, ['debug', 'reload']);
      return { heal: () => reload };
    },
  ],
];

describe('each refusal of Redis (I11, I12)', () => {
  for (const [code, args, provoke] of REPLIES) {
    it(`${code}: ingest says it with 503, the connection stays, all goes on when it is over`, LIMIT, async () => {
      await using redis = await startRedis({ args });
      await using running = await startGateway({ redisUrl: redis.url });
      await meets(running, new RegExp(`^${code}$`), () => provoke(redis));
    });
  }
});

describe('each fault of the network and the process (I11, I12)', () => {
  const through = async (code: RegExp, provoke: (proxy: TcpProxy, redis: RedisServer) => Promise<Fault>) => {
    await using redis = await startRedis();
    await using proxy = await startTcpProxy(redis.port);
    await using running = await startGateway({ redisUrl: proxy.url });
    await meets(running, code, () => provoke(proxy, redis));
  };

  it('a half-open connection is found dead, and another one made', LIMIT, () =>
    through(/^(TIMEOUT|CONNECTION_LOST|UNREACHABLE)$/, (proxy) => {
      proxy.blackHole(true);
      return Promise.resolve({ heal: () => Promise.resolve(proxy.blackHole(false)) });
    }),
  );

  it('a Redis that stands still is waited for, no longer than a command may take', LIMIT, () =>
    through(/^(TIMEOUT|CONNECTION_LOST|UNREACHABLE)$/, (_, redis) => {
      process.kill(redis.pid, 'SIGSTOP');
      return Promise.resolve({ heal: () => Promise.resolve(process.kill(redis.pid, 'SIGCONT')) });
    }),
  );

  it('connections that are cut again and again are made again', LIMIT, () =>
    through(/^(UNREACHABLE|CONNECTION_LOST)$/, (proxy) => {
      const cutting = setInterval(() => proxy.cutAll(), 5);
      return Promise.resolve({ heal: () => Promise.resolve(clearInterval(cutting)) });
    }),
  );

  it('answers that come late are no fault', LIMIT, async () => {
    await using redis = await startRedis();
    await using proxy = await startTcpProxy(redis.port);
    await using running = await startGateway({ redisUrl: proxy.url });
    const client = await running.connect(`?token=${await running.token()}`);
    proxy.delayReplies(700);
    const body = next();
    assert.deepEqual(await ingest(running, body), { status: 200, code: null });
    assert.deepEqual(await client.received(1), [body]);
    client.close();
  });
});

/** A file system of 8 MiB in memory; null if this user may not mount one. */
async function smallDisk() {
  const dir = await mkdtemp(join(tmpdir(), 'firehose-disk-'));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', dir]).status !== 0) return null;
  const release = async () => {
    spawnSync('umount', ['-l', dir]);
    await rmdir(dir);
  };
  return { dir, [Symbol.asyncDispose]: release };
}

describe('a disk that is full (I1, I12)', () => {
  it('MISCONF: nothing is acknowledged that the append-only file has no room for', LIMIT, async (t) => {
    await using disk = await smallDisk();
    if (disk === null) return t.skip('only root can mount a small file system');
    await using redis = await startRedis({ dir: disk.dir, args: ['--appendonly', 'yes'] });
    await using running = await startGateway({ redisUrl: redis.url });
    const filler = join(disk.dir, 'filler');
    await meets(running, /^MISCONF$/, async () => {
      await writeFile(filler, Buffer.alloc(16 * 1024 * 1024)).catch(() => undefined);
      return { heal: () => rm(filler) };
    });
  });
});

describe('an id from the future', () => {
  it('is followed by greater ones, and nothing stands still', LIMIT, async () => {
    await using redis = await startRedis();
    await using running = await startGateway({ redisUrl: redis.url, stream: { partitions: 1 } });
    const client = await running.connect(`?token=${await running.token()}`);
    const byHand = '{"Event-Name":"CHANNEL_ANSWER","Call-ID":"c1"}';
    const id = `${Date.now() + 1_000_000_000}-0`;
    await ask(redis.port, ['xadd', 'firehose:{0}:events', id, 'm', '1\tCHANNEL_ANSWER\taccount_id_1', 'd', byHand]);
    const body = next();
    assert.deepEqual(await ingest(running, body), { status: 200, code: null });
    assert.deepEqual(await client.received(2), [byHand, body]);
    client.close();
  });
});
