import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { MASTER_NAME, startSentinel } from '../../testing/redis-sentinel.ts';
import { until } from '../../testing/until.ts';
import { events, frames, untilFrame } from '../testing/frames.ts';
import { ADMIN, Refused, startGateway, type Client, type RunningGateway } from '../testing/running-gateway.ts';
import { event } from './gateway.suite.ts';

const LIMIT = { timeout: 110_000 };
const PARENT = { login: ADMIN, account: '91eb05e5c68d7ca05e7618b6821d2d16' };
/** Below the other one. */
const CHILD = {
  login: { username: 'operator', password: 'operatorpassword', domain: 'north' },
  account: 'account_id_1',
};
type Login = typeof PARENT;

let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

/** All orders in which two connections connect, disconnect and reconnect. */
function orders(parent = 'PpP', child = 'CcC'): string[] {
  if (parent === '' || child === '') return [parent + child];
  const [p, ...ps] = parent;
  const [c, ...cs] = child;
  return [
    ...orders(ps.join(''), child).map((rest) => `${p ?? ''}${rest}`),
    ...orders(parent, cs.join('')).map((rest) => `${c ?? ''}${rest}`),
  ];
}

/** One account's consumer of a group: acknowledges its events, on any replica. */
class Account {
  readonly got = new Map<number, number>();
  readonly owed: number[] = [];
  hasJoined = false;
  readonly #login: Login;
  readonly #group: string;
  readonly #tokens: ReadonlyMap<Login, string>;
  #client: Client | null = null;
  #done = 0;

  constructor(login: Login, group: string, tokens: ReadonlyMap<Login, string>) {
    this.#login = login;
    this.#group = group;
    this.#tokens = tokens;
  }

  async come(replica: RunningGateway): Promise<void> {
    const token = this.#tokens.get(this.#login) ?? '';
    this.#client = await replica.connect(`?token=${token}&group=${this.#group}&v=1`);
    this.#done = 0;
    this.hasJoined = true;
  }

  /** Disconnects without a Close, with all its unacknowledged events. */
  go(): void {
    this.work();
    this.#client?.close();
    this.#client = null;
  }

  /** Acknowledges the received events. */
  work(): void {
    const client = this.#client;
    if (client === null) return;
    const all = events(client);
    for (const { n, _firehose } of all.slice(this.#done)) {
      this.got.set(n, (this.got.get(n) ?? 0) + 1);
      client.send(JSON.stringify({ ack: [_firehose.id] }));
    }
    this.#done = all.length;
  }

  get faults(): string[] {
    const client = this.#client;
    const errors = client === null ? [] : frames(client).filter(({ type }) => type === 'gap');
    return [
      ...this.owed.filter((n) => !this.got.has(n)).map((n) => `${n} is lost to ${this.#login.account}`),
      ...[...this.got.keys()].filter((n) => !this.owed.includes(n)).map((n) => `${n} is foreign`),
      ...errors.map(() => 'a gap'),
    ];
  }
}

let published = 0;

async function tokensOf(running: RunningGateway): Promise<Map<Login, string>> {
  return new Map([
    [PARENT, await running.token(PARENT.login)],
    [CHILD, await running.token(CHILD.login)],
  ]);
}

/** An event of each account; the parent is owed both. Recorded for all consumers that have joined by then. */
async function publish(running: RunningGateway, accounts: readonly { parent: Account; child: Account }[]) {
  const [own, below] = [(published += 1), (published += 1)];
  const { body } = await running.ingest(
    `${event(PARENT.account, 'DTMF', own)}\n${event(CHILD.account, 'DTMF', below)}`,
  );
  assert.equal(body['accepted'], 2);
  for (const { parent, child } of accounts) {
    if (parent.hasJoined) parent.owed.push(own, below);
    if (child.hasJoined) child.owed.push(below);
  }
}

async function allReceived(accounts: readonly Account[]): Promise<void> {
  const look = () => {
    for (const account of accounts) account.work();
    return accounts.flatMap(({ faults }) => faults);
  };
  await until('everything that is owed, and nothing else', look, {
    holds: (faults) => faults.length === 0,
    limitMs: 40_000,
  });
}

describe('I13, I18: two accounts on the group of one name, over TLS, on two replicas', () => {
  test('lose nothing to each other in any order of coming and going', LIMIT, async () => {
    const all = orders();
    assert.equal(all.length, 20);
    const groups = all.map((_, at) => ({ name: `g${at}` }));
    await using one = await startGateway({ redisUrl: redis.url, name: 'orders', groups });
    await using two = await one.another();
    const replicas = [one, two];
    const tokens = await tokensOf(one);
    const runs = all.map((order, at) => ({
      order,
      parent: new Account(PARENT, `g${at}`, tokens),
      child: new Account(CHILD, `g${at}`, tokens),
    }));
    for (let step = 0; step < 6; step += 1) {
      await Promise.all(
        runs.map(async ({ order, parent, child }, at) => {
          const what = order[step] ?? '';
          const account = what.toUpperCase() === 'P' ? parent : child;
          if (what === what.toUpperCase()) await account.come(replicas[(at + step) % 2] ?? one);
          else account.go();
        }),
      );
      await publish(one, runs);
      for (const { parent, child } of runs) for (const account of [parent, child]) account.work();
    }
    await allReceived(runs.flatMap(({ parent, child }) => [parent, child]));
    for (const { parent, child } of runs) for (const account of [parent, child]) account.go();
  });

  test('kill of Redis and failover to its replica lose nothing to either', LIMIT, async () => {
    await using sentinel = await startSentinel({ replicas: 2 });
    const options = {
      redisUrl: sentinel.url,
      name: 'failover',
      redis: { mode: 'Sentinel', sentinel: { masterName: MASTER_NAME } },
      stream: { waitReplicas: 1 },
    };
    await using one = await startGateway(options);
    await using two = await one.another();
    const tokens = await tokensOf(one);
    const [parent, child] = [new Account(PARENT, 'default', tokens), new Account(CHILD, 'default', tokens)];
    await parent.come(one);
    await publish(one, [{ parent, child }]);
    await allReceived([parent]);
    parent.go();
    await child.come(two);
    await publish(one, [{ parent, child }]);
    const master = await sentinel.master();
    await master.kill();
    await sentinel.failedOver(master);
    await until(
      'the log after the failover',
      async () => (await one.ingest(event('account_id_2', 'DTMF', 0))).status === 200,
    );
    parent.owed.push(0);
    await publish(one, [{ parent, child }]);
    await until('the parent admitted', () => parent.come(two).then(() => true));
    await allReceived([parent, child]);
    parent.go();
    child.go();
  });

  test(
    'another grant of the same account is refused with the grant in force, and takes over with regroup',
    LIMIT,
    async () => {
      await using one = await startGateway({ redisUrl: redis.url, name: 'regroup' });
      await using two = await one.another();
      const [wide, narrow] = [await one.token(), await one.token({ accounts: ['account_id_2'] })];
      const holder = await one.connect(`?token=${wide}&group=default&v=1`);
      await untilFrame(holder, 'hello');
      holder.close();
      const refused = (query: string) =>
        two.connect(query).then(
          () => null,
          (error: unknown) => (error instanceof Refused ? [error.status, error.code] : error),
        );
      assert.deepEqual(await refused(`?token=${narrow}&group=default&v=1`), [409, 'group_grant_differs']);
      const taken = await until('the group free', () => two.connect(`?token=${narrow}&group=default&v=1&regroup=true`));
      const hello = await untilFrame(taken, 'hello');
      assert.ok(hello.cursor, 'hello tells the position');
      assert.deepEqual(hello.filter, { accounts: ['account_id_2'], events: null });
      assert.deepEqual(await refused(`?token=${wide}&group=default`), [409, 'group_grant_differs']);
      taken.close();
    },
  );
});
