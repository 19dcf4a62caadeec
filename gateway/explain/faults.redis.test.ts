import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { SLOW_AFTER_MS } from '../fanout/connection.ts';
import { ADMIN, startGateway, type RunningGateway } from '../testing/running-gateway.ts';
import { spawnReplica } from '../testing/spawned-replica.ts';
import { dice, explained } from './testing/asked.ts';
import { LedgerClient, type Received } from './testing/ledger-client.ts';

const LIMIT = { timeout: 240_000 };
const OPERATOR = { username: 'operator', password: 'operatorpassword', domain: 'north' };
const NAMES = ['CHANNEL_CREATE', 'CHANNEL_ANSWER', 'DTMF'];
const FILLER = randomBytes(12_000).toString('base64');

/** What one session did with an event, by an explanation and by the ledger of its client. */
interface Pair {
  readonly client: LedgerClient;
  readonly event: Received;
  readonly written: boolean | null;
  readonly has: boolean;
}

/** Each of these events for each session of these clients, by explanations of these replicas in turn. */
async function pairsOf(
  replicas: readonly RunningGateway[],
  clients: readonly LedgerClient[],
  events: readonly Received[],
): Promise<readonly Pair[]> {
  const pairs: Pair[] = [];
  for (const { username: user, domain } of [ADMIN, OPERATOR]) {
    for (const [at, event] of events.entries()) {
      const replica = replicas[at % replicas.length];
      assert.ok(replica !== undefined);
      const { sessions } = await explained(replica, { event: event.id, cursor: event.cursor, user, domain });
      for (const { session, written } of sessions) {
        const client = clients.find((one) => one.session === session);
        if (client !== undefined) pairs.push({ client, event, written, has: client.received.has(event.id) });
      }
    }
  }
  return pairs;
}

const told = ({ client, event, written, has }: Pair) =>
  `${client.session} ${event.id}: written ${written}, received ${has}`;

const tokenOf = async (running: RunningGateway, login: object, more: object = {}) =>
  String((await running.login({ ...login, ...more })).body['access_token']);

describe('explanations of sessions to which something happened', { timeout: 600_000 }, () => {
  let redis: RedisServer;
  before(async () => (redis = await startRedis()));
  after(() => redis.stop());

  test('X1: of a replica that was killed it says nothing that the ledger denies', LIMIT, async () => {
    const roll = dice(11);
    await using one = await startGateway({ redisUrl: redis.url, redis: { keyPrefix: 'killed:' } });
    await using killed = await spawnReplica(one, redis.url);
    const dying = { gateway: killed, stateFolder: one.stateFolder };
    const auditor = await LedgerClient.open(one, await tokenOf(one, ADMIN));
    const logins = [ADMIN, ADMIN, OPERATOR].map((login, at) =>
      tokenOf(one, login, at === 1 ? { events: ['CHANNEL_ANSWER', 'DTMF'] } : {}),
    );
    const there: LedgerClient[] = [];
    const here: LedgerClient[] = [];
    let published = 0;
    const publish = async (count: number) => {
      const lines = Array.from({ length: count }, () => {
        const place = { 'Call-ID': `call-${roll(20)}`, 'Account-ID': `account_id_${1 + roll(3)}` };
        return JSON.stringify({ 'Event-Name': NAMES[roll(3)], ...place, n: (published += 1) });
      });
      assert.equal((await one.ingest(lines.join('\n'))).status, 200);
      await until('all of them at the auditor', () => auditor.received.size === published);
    };
    for (let turn = 0; turn < 12; turn += 1) {
      const login = (await logins[roll(3)]) ?? '';
      const from = there.find(({ cursor }) => cursor !== null)?.cursor ?? null;
      const resumes = roll(3) === 0 && from !== null ? `&cursor=${from}` : '';
      there.push(await LedgerClient.open(dying, login, resumes));
      here.push(await LedgerClient.open(one, login));
      await publish(8);
      const changes = there[roll(there.length)];
      changes?.send({ filter: { accounts: null, events: [NAMES[roll(3)]] } });
    }
    const settled = await LedgerClient.open(dying, await tokenOf(one, ADMIN), `&cursor=${auditor.cursor}`);
    there.push(settled);
    await publish(1);
    await until('the last one at the replica that dies', () => settled.received.size === 1);
    await until('nobody behind there', async () => !(await isBehind(dying)));
    const before = [...auditor.received.values()];
    const burst = publish(30);
    await killed.kill();
    await Promise.all([burst, ...there.map(({ gone }) => gone)]);
    const underWay = [...auditor.received.values()].slice(before.length);
    const resumed = await LedgerClient.open(one, await tokenOf(one, ADMIN), `&cursor=${settled.cursor}`);
    await publish(20);
    await until('the rest at the client that came back', () => resumed.received.size === published - before.length);
    const afterwards = [...auditor.received.values()].slice(before.length + underWay.length);

    const judge = async () => {
      const known = await pairsOf([one], there, before);
      for (const pair of known) assert.ok(pair.written === null || pair.written === pair.has, told(pair));
      // Bytes of the last moment may be lost with the process: what was received was written.
      for (const pair of await pairsOf([one], there, underWay))
        assert.ok(!pair.has || pair.written !== false, told(pair));
      for (const pair of await pairsOf([one], there, afterwards))
        assert.ok(pair.written !== true && !pair.has, told(pair));
      return known;
    };
    // While its last heartbeat is there, and after it.
    await judge();
    await until('the end of its heartbeat', async () => {
      const { findings } = (await one.administer('/health')).body as { findings: readonly { check: string }[] };
      return findings.filter(({ check }) => check === 'replica').length === 1;
    });
    const known = await judge();
    assert.ok(known.length > 800, `only ${known.length} pairs`);
    for (const written of [true, false, null])
      assert.ok(
        known.some((pair) => pair.written === written),
        `no pair with ${written}`,
      );
    const alive = [...here, resumed, auditor];
    for (const pair of await pairsOf([one], alive, [...auditor.received.values()]))
      assert.equal(pair.written, pair.has, told(pair));
    await Promise.all(alive.map((client) => client.leave()));
  });

  for (const policy of ['CatchUp', 'Latest', 'Disconnect'] as const) {
    test(`X1: of a consumer that reads nothing for a time, under the policy ${policy}`, LIMIT, async () => {
      await using one = await startGateway({
        redisUrl: redis.url,
        redis: { keyPrefix: `${policy}:` },
        slowConsumerPolicy: policy,
      });
      await using other = await one.another();
      const replicas = [one, other];
      const token = await tokenOf(one, ADMIN);
      const auditor = await LedgerClient.open(one, token);
      const slow = await Promise.all(replicas.map((replica) => LedgerClient.open(replica, token)));
      const quick = await Promise.all(replicas.map((replica) => LedgerClient.open(replica, token)));
      await until('greetings', () => [...slow, ...quick].every(({ session }) => session !== null));
      let published = 0;
      const publish = async (count: number, filler = '') => {
        const lines = Array.from({ length: count }, () =>
          JSON.stringify({
            'Event-Name': 'DTMF',
            'Call-ID': `call-${published % 7}`,
            'Account-ID': 'account_id_1',
            n: (published += 1),
            filler,
          }),
        );
        assert.equal((await one.ingest(lines.join('\n'))).body['accepted'], count);
        await until('all of them at the auditor', () => auditor.received.size === published);
      };
      await publish(10);
      for (const client of slow) client.pause();
      const behind = async () => (await Promise.all(replicas.map(isBehind))).every(Boolean);
      while (!(await behind()) || !(await behind())) await publish(50, FILLER);
      await publish(1);
      const last = [...auditor.received.values()].slice(-1);
      // It is behind: nobody may say that it was given the newest event, at once or later.
      for (const pair of await pairsOf(replicas, slow, last)) assert.notEqual(pair.written, true, told(pair));
      if (policy !== 'Disconnect') await delay(SLOW_AFTER_MS + 100);
      else await until('an end', async () => (await connectionsOf(replicas)) === 3);
      for (const pair of await pairsOf([other, one], slow, last)) assert.notEqual(pair.written, true, told(pair));
      for (const client of slow) client.resume();
      if (policy === 'Disconnect') await Promise.all(slow.map(({ gone }) => gone));
      else await until('nobody behind', async () => !(await Promise.all(replicas.map(isBehind))).some(Boolean));
      await publish(10);
      const newest = [...auditor.received.keys()].at(-1) ?? '';
      if (policy !== 'Disconnect')
        await until('the newest event at all of them', () =>
          [...slow, ...quick].every(({ received }) => received.has(newest)),
        );
      const some = [...auditor.received.values()].filter((_, at) => at < 12 || at % 11 === 0 || at > published - 14);
      const pairs = await until('what each session did', () => pairsOf(replicas, [...slow, ...quick], some), {
        holds: (seen) => seen.every(({ written }) => written !== null),
        limitMs: 60_000,
      });
      for (const pair of pairs) {
        // Without a Close, what was on its way is lost: what was received was written.
        if (pair.client.code === 1006) assert.ok(!pair.has || pair.written === true, told(pair));
        else assert.equal(pair.written, pair.has, told(pair));
      }
      const missed = pairs.filter(({ client, has }) => slow.includes(client) && !has);
      assert.equal(missed.length > 0, policy !== 'CatchUp', 'events that the slow ones did not get');
      await Promise.all([auditor, ...quick, ...(policy === 'Disconnect' ? [] : slow)].map((client) => client.leave()));
    });
  }
});

interface Measured {
  readonly gateway: { readonly innerPort: number };
}

/** The sum of a metric over its labels. */
async function metric({ gateway }: Measured, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${gateway.innerPort}/metrics`)).text();
  const samples = text.matchAll(new RegExp(`^${name}(?:{[^}]*})? (\\S+)`, 'gm'));
  return [...samples].reduce((sum, [, value]) => sum + Number(value), 0);
}

const isBehind = async (running: Measured) => (await metric(running, 'firehose_behind_connections')) > 0;

async function connectionsOf(replicas: readonly RunningGateway[]): Promise<number> {
  const all = await Promise.all(replicas.map((running) => metric(running, 'firehose_connections')));
  return all.reduce((sum, one) => sum + one, 0);
}
