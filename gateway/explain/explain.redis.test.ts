import assert from 'node:assert/strict';
import { request } from 'node:https';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { explanationSchema } from '../../protocol/explanation.ts';
import { resourceKeys } from '../../protocol/keys.ts';
import { EXPLAIN_PATH } from '../../protocol/paths.ts';
import { ask } from '../../testing/redis-process.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { ADMIN, startGateway, type RunningGateway } from '../testing/running-gateway.ts';
import { dice, explained as askedAt } from './testing/asked.ts';
import { LedgerClient, type Received } from './testing/ledger-client.ts';

const LIMIT = { timeout: 240_000 };
const OPERATOR = { username: 'operator', password: 'operatorpassword', domain: 'north' };
const ACCOUNTS = ['account_id_1', 'account_id_2', 'account_id_3'];
const NAMES = ['CHANNEL_CREATE', 'CHANNEL_ANSWER', 'DTMF'];
const KEY = resourceKeys('firehose:', 'default/quickstart').journal;

/** Explanations of two replicas behind TLS, on a real Redis, with users of two accounts. */
describe('explain', () => {
  let redis: RedisServer;
  let one: RunningGateway;
  let other: RunningGateway;
  before(async () => {
    redis = await startRedis();
    one = await startGateway({ redisUrl: redis.url });
    other = await one.another();
  });
  after(async () => {
    await other[Symbol.asyncDispose]();
    await one[Symbol.asyncDispose]();
    await redis.stop();
  });

  const explained = (query: Record<string, string>, at = one) => askedAt(at, query);
  /** A replica writes its journal several times a second: until then the other one does not know a new session. */
  const untilJournaled = (session: string, event: string) =>
    until('the session in the journal', async () => (await explained({ event, session })).sessions.length === 1);
  const tokenOf = async (login: object, more: object = {}) =>
    String((await one.login({ ...login, ...more })).body['access_token']);
  let numbers = 0;
  const publish = async (count: number, roll: (below: number) => number) => {
    const lines = Array.from({ length: count }, () => {
      numbers += 1;
      const event = { 'Event-Name': NAMES[roll(3)], 'Call-ID': `call-${roll(40)}`, 'Account-ID': ACCOUNTS[roll(3)] };
      return JSON.stringify({ ...event, n: numbers, secret: 'canary-of-a-payload' });
    });
    assert.equal((await one.ingest(lines.join('\n'))).status, 200);
  };
  /** Sends a request like a client, over TLS. */
  const own = async (token: string, query: Record<string, string>, at = one) => {
    const ca = await readFile(join(at.stateFolder, 'ca.crt'), 'utf8');
    const path = `${EXPLAIN_PATH}?${new URLSearchParams(query).toString()}`;
    const headers = token === '' ? {} : { authorization: `Bearer ${token}` };
    return new Promise<{ status: number; body: string }>((resolve, reject) => {
      request({ host: '127.0.0.1', port: at.gateway.port, path, ca, headers }, (answer) => {
        let body = '';
        answer.on('data', (part) => (body += String(part)));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
      })
        .on('error', reject)
        .end();
    });
  };

  test('X1: written is true exactly when the ledger of the client has the event', LIMIT, async () => {
    const roll = dice(7);
    const auditor = await LedgerClient.open(one, await tokenOf(ADMIN));
    const logins = await Promise.all([
      tokenOf(ADMIN),
      tokenOf(ADMIN, { events: ['CHANNEL_ANSWER', 'DTMF'] }),
      tokenOf(OPERATOR),
      tokenOf(OPERATOR, { accounts: ['account_id_3'] }),
    ]);
    const all: LedgerClient[] = [];
    let open: LedgerClient[] = [];
    for (let turn = 0; turn < 40; turn += 1) {
      const from = open.find(({ cursor }) => cursor !== null)?.cursor ?? null;
      const resumes = roll(4) === 0 && from !== null ? `&cursor=${from}` : roll(6) === 0 ? '&from=-1m' : '';
      for (const replica of [one, other]) {
        const client = await LedgerClient.open(replica, logins[roll(4)] ?? '', resumes);
        all.push(client);
        open.push(client);
      }
      const publishing = publish(8, roll);
      for (const client of open)
        if (roll(5) === 0) client.send({ filter: { accounts: null, events: [NAMES[roll(3)]] } });
      const [leaving, cut] = [open[roll(open.length)], open[roll(open.length)]];
      await Promise.all([publishing, roll(2) === 0 ? leaving?.leave() : null, roll(8) === 0 ? cut?.cut() : null]);
      open = open.filter((client) => client !== leaving || roll(2) === 0).filter(({ isCut }) => !isCut);
    }
    await until('all events at the auditor', () => auditor.received.size === numbers);
    await compare(all, [...auditor.received.values()]);
    await Promise.all([...all, auditor].map((client) => client.leave()));
  });

  /** Every session of both users against every event. */
  async function compare(clients: readonly LedgerClient[], events: readonly Received[]): Promise<void> {
    let pairs = 0;
    for (const { username: user, domain } of [ADMIN, OPERATOR]) {
      for (const { id: event, cursor } of events) {
        const replica = pairs % 2 === 0 ? one : other;
        const { sessions } = await until(
          'what each session did with an event',
          () => explained({ event, cursor, user, domain }, replica),
          {
            holds: (seen) => seen.sessions.every(({ written, close_code }) => written !== null || close_code !== null),
          },
        );
        for (const { session, written, confirmed } of sessions) {
          const client = clients.find((one) => one.session === session);
          if (client === undefined) continue;
          pairs += 1;
          const has = client.received.has(event);
          // Bytes that were on their way to a client that was cut off are lost; the events that it has were written.
          if (client.isCut) assert.ok(!has || written === true, `${session} ${event}`);
          else assert.equal(written, has, `${session} ${event}: written ${written}, received ${has}`);
          assert.ok(confirmed !== true || has, 'what a pong confirmed was received');
        }
      }
    }
    assert.ok(pairs > 10_000, `only ${pairs} pairs`);
  }

  test('a cause is named, by event, place and call, for user, session, token and group', LIMIT, async () => {
    const client = await LedgerClient.open(other, await tokenOf(OPERATOR, { events: ['DTMF'] }));
    const auditor = await LedgerClient.open(one, await tokenOf(ADMIN));
    await until('two greetings', () => client.session !== null && auditor.session !== null);
    await one.ingest('{"Event-Name":"CHANNEL_ANSWER","Call-ID":"foreign","Account-ID":"account_id_2"}');
    await one.ingest('{"Event-Name":"CHANNEL_ANSWER","Call-ID":"cause","Account-ID":"account_id_1"}');
    await until('both at the auditor', () => auditor.received.size === 2);
    const [foreign, filtered] = ['foreign', 'cause'].map((call) => auditor.of(call)?.id);
    const session = client.session ?? '';
    await untilJournaled(session, foreign ?? '');
    assert.equal((await explained({ event: foreign ?? '', session })).reason, 'outside_of_login');
    const answer = await explained({ event: filtered ?? '', call_id: 'cause', session });
    assert.deepEqual([answer.verdict, answer.reason], ['not_written', 'event_not_granted']);
    const place = answer.event?.position ?? '';
    assert.equal((await explained({ event: place, user: 'Operator', domain: 'NORTH' })).event?.id, filtered);
    assert.equal((await explained({ event: 'never', session })).reason, 'unknown_event');
    const group = await explained({ event: filtered ?? '', group: 'default', account: 'account_id_1' });
    assert.deepEqual([group.verdict, group.reason], ['pending', 'not_read_yet']);
    await Promise.all([client.leave(), auditor.leave()]);
  });

  test('a question that is not one is refused', LIMIT, async () => {
    const wrong = ['', 'event=a', 'event=a&user=b', 'event=a&session=b&user=c&domain=d', 'event=a&session=b&x=1'];
    for (const query of [...wrong, 'event=a&account=b', 'event=a&user=b&account=c&domain=d']) {
      const { status, body } = await one.administer(`/explain?${query}`);
      assert.deepEqual([status, body['code']], [400, 'invalid_query'], query);
    }
    assert.equal((await one.administer('/explain?event=a&session=b&cursor=x')).body['code'], 'invalid_cursor');
    assert.equal((await one.administer('/explain?event=a&session=b&group=none')).body['code'], 'unknown_group');
    assert.equal((await one.administer('/explain?event=a&user=b&domain=nowhere')).status, 404);
  });

  test('X3: to a consumer what its token does not show is what never was, to the byte', LIMIT, async () => {
    const token = await tokenOf(OPERATOR, { events: ['DTMF'] });
    const client = await LedgerClient.open(other, token);
    const auditor = await LedgerClient.open(one, await tokenOf(ADMIN));
    await until('two greetings', () => client.session !== null && auditor.session !== null);
    await one.ingest('{"Event-Name":"DTMF","Call-ID":"a","Account-ID":"account_id_1"}');
    await one.ingest('{"Event-Name":"DTMF","Call-ID":"b","Account-ID":"account_id_2"}');
    await one.ingest('{"Event-Name":"CHANNEL_ANSWER","Call-ID":"c","Account-ID":"account_id_1"}');
    await until('three at the auditor', () => auditor.received.size === 3);
    const [mine, foreign, filtered] = ['a', 'b', 'c'].map((call) => auditor.of(call));
    await untilJournaled(client.session ?? '', mine?.id ?? '');
    const never = await own(token, { event: 'never' });
    assert.equal(never.status, 200);
    for (const { id, cursor } of [foreign, filtered].filter((one) => one !== undefined)) {
      assert.equal((await own(token, { event: id })).body, never.body);
      assert.equal((await own(token, { event: id, cursor })).body, never.body);
    }
    const shown = explanationSchema.parse(JSON.parse((await own(token, { event: mine?.id ?? '', call_id: 'a' })).body));
    assert.equal(shown.event?.account_id, 'account_id_1');
    assert.ok(shown.sessions.some(({ session }) => session === client.session));
    assert.ok(shown.sessions.every(({ replica }) => replica === null));
    assert.deepEqual(
      [
        (await own('', { event: 'a' })).status,
        (await own(token, {})).status,
        (await own(token, { event: 'a', user: 'b' })).status,
      ],
      [401, 400, 400],
    );
    const codeOf = async (query: Record<string, string>) =>
      (JSON.parse((await own(token, query)).body) as { code?: string }).code;
    assert.equal(await codeOf({ event: '' }), 'invalid_question');
    await until('the eleventh question', async () => (await codeOf({ event: 'never' })) === 'too_many_explanations');
    await Promise.all([client.leave(), auditor.leave()]);
  });

  test('X4: a journal that cannot be written is counted, and delivery goes on', LIMIT, async () => {
    await using own = await startGateway({ redisUrl: redis.url, name: 'odd' });
    await ask(redis.port, ['set', resourceKeys('firehose:', 'default/odd').journal, 'not a stream']);
    const client = await LedgerClient.open(own, String((await own.login(ADMIN)).body['access_token']));
    await own.ingest('{"Event-Name":"DTMF","Call-ID":"x4","Account-ID":"account_id_1"}');
    await until('the event', () => client.received.size === 1);
    const metrics = `http://127.0.0.1:${own.gateway.innerPort}/metrics`;
    await until('a dropped entry', async () =>
      /firehose_journal_entries_total\{[^}]*outcome="dropped"[^}]*\} [1-9]/.test(await (await fetch(metrics)).text()),
    );
    const { status, body } = await own.administer('/explain?event=a&session=b');
    assert.deepEqual([status, body['code']], [503, 'journal_unavailable']);
    await client.leave();
  });

  test('X5: no token, password, address or payload is in the journal', LIMIT, async () => {
    const token = await tokenOf(ADMIN);
    const client = await LedgerClient.open(one, token);
    client.send({ auth: await tokenOf(ADMIN) });
    await one.ingest('{"Event-Name":"DTMF","Call-ID":"x5","Account-ID":"account_id_1","secret":"canary-of-a-payload"}');
    await until('the event', () => client.received.size === 1);
    await client.leave();
    const kept = await until(
      'the entries',
      async () => JSON.stringify(await ask(redis.port, ['xrange', KEY, '-', '+'])),
      {
        holds: (text) => text.includes(client.session ?? '-') && text.includes('closed'),
      },
    );
    for (const secret of [
      token.slice(-24),
      token.slice(40, 80),
      ADMIN.password,
      '127.0.0.1',
      'canary-of-a-payload',
      'x5',
    ]) {
      assert.ok(!kept.includes(secret), `${secret} is in the journal`);
    }
  });
});
