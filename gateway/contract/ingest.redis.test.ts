import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { startGateway, type RunningGateway } from '../testing/running-gateway.ts';

const event = (fields: object) => JSON.stringify({ 'Event-Name': 'CHANNEL_ANSWER', 'Call-ID': 'c1', ...fields });
/** Another resource, which shares the Redis, but no account. */
const OTHERS = `
accounts:
  - { id: tenant_b, name: tenant-b, realm: b.sip.example.com }
users:
  - username: bea
    account: tenant_b
    passwordHash: '$argon2id$v=19$m=19456,t=2,p=1$bH+IAfKAjZqGzEW5SZblmw$RvC0N43H+pRTQtfL7IyMUdHKATLJ5zhDVQdm3iNKVS0'
`;

interface Line {
  readonly status: string;
  readonly code?: string;
  readonly detail?: string;
  readonly warning?: string;
  readonly id?: string;
}
const post = async (running: RunningGateway, body: string) => {
  const answer = await running.ingest(body);
  const { events, summary } = answer.body as unknown as { events: Line[]; summary: string };
  return { status: answer.status, events, summary, text: JSON.stringify(answer.body) };
};

let redis: RedisServer;
let mine: RunningGateway;
before(async () => {
  redis = await startRedis();
  mine = await startGateway({ redisUrl: redis.url });
});
after(async () => {
  await mine[Symbol.asyncDispose]();
  await redis.stop();
});

describe('ingest', () => {
  it('says first what became of a batch, and answers 207 when some of it was rejected', async () => {
    const some = await post(
      mine,
      `${event({ 'Account-ID': 'account_id_1' })}\n{"a":1}{"b":2}\n{"Event-Name":"LEG_CREATED"}`,
    );
    assert.equal(some.status, 207);
    assert.match(some.text, /^\{"summary":"3 events: 1 rejected \(not_json\), 1 accepted, 1 dropped/);
    assert.match(some.events[1]?.detail ?? '', /--data-binary/);
    const all = await post(mine, event({ 'Account-ID': 'account_id_1', n: 1 }));
    assert.deepEqual([all.status, all.summary], [200, '1 events: 1 accepted']);
  });

  it('accepts an event of an account that the directory lacks, with a warning', async () => {
    const { status, events, summary } = await post(mine, `${event({ 'Account-ID': 'new' })}\n${event({ x: 1 })}`);
    assert.equal(status, 200);
    assert.deepEqual(
      events.map((line) => [line.status, line.warning]),
      [
        ['accepted', 'unknown_account'],
        ['accepted', 'unknown_account'],
      ],
    );
    assert.match(summary, /unknown_account/);
  });

  it('tells two events apart that differ beyond a double, and takes a byte order mark', async () => {
    const numbered = (n: string) =>
      `{"Event-Name":"DTMF","Call-ID":"c2","Event-Id":${n},"Custom-Channel-Vars":{"Account-ID":"account_id_1"}}`;
    const { events } = await post(mine, `\ufeff${numbered('1234567890123456788')}\n${numbered('1234567890123456789')}`);
    assert.deepEqual(
      events.map(({ status }) => status),
      ['accepted', 'accepted'],
    );
    assert.notEqual(events[0]?.id, events[1]?.id);
  });

  it(
    'of one resource neither forges nor suppresses events of another on a shared Redis',
    { timeout: 60_000 },
    async () => {
      const directory = OTHERS;
      await using theirs = await startGateway({
        redisUrl: redis.url,
        name: 'theirs',
        directory,
        accountId: 'tenant_b',
      });
      const body = event({ 'Account-ID': 'tenant_b', n: 7 });
      await until('the first resource knows of the second', () => post(mine, body), {
        holds: ({ events }) => events[0]?.code === 'account_not_offered',
        limitMs: 30_000,
      });
      const token = String(
        (await theirs.login({ username: 'bea', password: 'adminpassword', domain: 'tenant-b' })).body['access_token'],
      );
      const client = await theirs.connect(`?token=${token}`);
      const wrapped = event({ 'Account-ID': 'account_id_1', n: 7 });
      const ours = await post(mine, wrapped);
      assert.equal(ours.events[0]?.status, 'accepted');
      const sent = await post(theirs, event({ 'Account-ID': 'tenant_b', n: 8 }));
      assert.equal(sent.events[0]?.status, 'accepted');
      assert.deepEqual(await client.received(1), [event({ 'Account-ID': 'tenant_b', n: 8 })]);
      client.close();
      const foreign = await post(mine, event({ 'Account-ID': 'tenant_b', n: 9 }));
      assert.deepEqual([foreign.status, foreign.events[0]?.code], [207, 'account_not_offered']);
    },
  );
});
