import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../../testing/until.ts';
import type { Client, RunningGateway } from '../testing/running-gateway.ts';
import { board, heard, legEvent, tableHas } from './calls.suite.ts';

const LIMIT = { timeout: 60_000 };
const ACCOUNT = 'account_id_1';
const FS1 = { Node: 'freeswitch@fs1' };

type Event = Readonly<Record<string, unknown>>;

/** The events of a leg that a client of either contract received. */
export function eventsOf(client: Client, callId: string): Event[] {
  return client.messages.map((text) => JSON.parse(text) as Event).filter((event) => event['Call-ID'] === callId);
}

const namesOf = (events: readonly Event[]) => events.map((event) => event['Event-Name']);
const soon = () => new Date(Date.now() + 3_600_000).toISOString();

/** Ways in which the gateway ends calls that their switch no longer ends, for both logs. `open` takes `spec.calls`. */
export function callEndsSuite(name: string, open: (calls?: object) => Promise<RunningGateway>): void {
  describe(`ends of live calls on ${name}`, () => {
    test(
      'LC4: a leg whose switch is lost ends after the grace period, marked for plain clients too',
      LIMIT,
      async () => {
        await using running = await open({ switchLost: { gracePeriod: '1s' } });
        const token = await running.token();
        const plain = await running.connect(`?token=${token}`);
        const wallboard = await running.connect(`?token=${token}&v=1&snapshot=calls`);
        const of = (callId: string, event: string) => legEvent(ACCOUNT, callId, event, FS1);
        await running.ingest(
          [of('lost', 'CHANNEL_CREATE'), of('lost', 'CHANNEL_ANSWER'), of('back', 'CHANNEL_CREATE')].join('\n'),
        );
        // In one body: between two of them a busy machine may take longer than the grace period.
        const [gone, returned] = ['CHANNEL_DISCONNECTED', 'CHANNEL_CONNECTED'];
        await running.ingest([of('lost', gone), of('back', gone), of('back', returned)].join('\n'));
        await until('the end', () => eventsOf(plain, 'lost').length === 4);
        const end = eventsOf(plain, 'lost').at(-1);
        assert.deepEqual(
          [end?.['Event-Name'], end?.['Hangup-Cause'], end?.['Firehose-Synthetic'], end?.['App-Name'], end?.['Node']],
          ['CHANNEL_DESTROY', 'CRASH', 'switch_lost', 'firehose', 'freeswitch@fs1'],
        );
        await tableHas(running, token, ['back']);
        await until('the board', () => !board(wallboard).has('lost'));
        assert.deepEqual(
          eventsOf(wallboard, 'lost').map(({ _firehose: meta }) => (meta as Event)['synthetic']),
          [undefined, undefined, undefined, 'switch_lost'].slice(-eventsOf(wallboard, 'lost').length),
        );
        assert.equal(namesOf(eventsOf(plain, 'back')).includes('CHANNEL_DESTROY'), false);
        plain.close();
        wallboard.close();
      },
    );

    test('LC3: a list of a switch ends what it lacks, of that switch alone, and once', LIMIT, async () => {
      await using running = await open();
      const token = await running.token();
      const client = await running.connect(`?token=${token}`);
      const of = (callId: string, fields: object) => legEvent(ACCOUNT, callId, 'CHANNEL_CREATE', fields);
      const other = { Node: 'freeswitch@fs2' };
      await running.ingest([of('a', FS1), of('b', FS1), of('c', FS1), of('d', other), of('e', {})].join('\n'));
      await tableHas(running, token, ['a', 'b', 'c', 'd', 'e']);
      const list = { switch: 'freeswitch@fs1', live: ['a', 'nowhere'] };
      // Without a time the list counts as older than these legs.
      assert.deepEqual(await running.reconcile(list), { status: 200, body: { ended: 0, unknown: 1 } });
      const now = { ...list, listed_at: soon() };
      const both = await Promise.all([running.reconcile(now), running.reconcile(now)]);
      // Either of them may be the one that ends the legs.
      const endedBy = ({ body }: (typeof both)[number]) => Number(body['ended'] ?? 0);
      const [first, second] = both.toSorted((one, next) => endedBy(next) - endedBy(one));
      assert.deepEqual(first, { status: 200, body: { ended: 2, unknown: 1 } });
      assert.ok(second?.status === 503 || second?.body['ended'] === 0);
      await tableHas(running, token, ['a', 'd', 'e']);
      assert.deepEqual(await running.reconcile(now), { status: 200, body: { ended: 0, unknown: 1 } });
      await running.ingest(of('after', {}));
      await until('the event after the ends', () => eventsOf(client, 'after').length === 1);
      for (const callId of ['b', 'c']) {
        const [, end, ...more] = eventsOf(client, callId);
        assert.deepEqual([end?.['Firehose-Synthetic'], more], ['reconciled', []]);
      }
      client.close();
    });

    test('LC3: lists of several switches in one request end what each lacks', LIMIT, async () => {
      await using running = await open();
      const token = await running.token();
      const of = (callId: string, node: string) => legEvent(ACCOUNT, callId, 'CHANNEL_CREATE', { Node: node });
      await running.ingest([of('a', 'fs1'), of('b', 'fs1'), of('c', 'fs2'), of('d', 'fs3')].join('\n'));
      await tableHas(running, token, ['a', 'b', 'c', 'd']);
      const list = (name: string, ...live: readonly string[]) => ({ switch: name, live, listed_at: soon() });
      const twice = await running.reconcile([list('fs1'), list('fs2'), { switch: 7 }, list('fs1', 'b')]);
      assert.deepEqual([twice.status, twice.body['code']], [400, 'invalid_request']);
      assert.match(String(twice.body['detail']), /line 3: .*switch.*; line 4: an earlier line has this switch/);
      const answer = await running.reconcile([list('fs1', 'b'), list('fs2', 'b', 'nowhere')]);
      assert.deepEqual(answer, { status: 200, body: { ended: 2, unknown: 1 } });
      await tableHas(running, token, ['b', 'd']);
      assert.deepEqual((await running.reconcile([])).body['detail'], 'the body has no list');
    });

    test('a switch that has restarted has none of its calls of before', LIMIT, async () => {
      await using running = await open();
      const token = await running.token();
      const client = await running.connect(`?token=${token}`);
      await running.ingest(legEvent(ACCOUNT, 'a', 'CHANNEL_CREATE', FS1));
      await tableHas(running, token, ['a']);
      const list = { switch: 'freeswitch@fs1', live: ['a'], started_at: soon() };
      assert.deepEqual((await running.reconcile(list)).body, { ended: 1, unknown: 0 });
      await until('the end', () => eventsOf(client, 'a')[1]?.['Firehose-Synthetic'] === 'switch_restarted');
      client.close();
    });

    test('LC3: a late real end is a duplicate; its correction reaches those alone who name it', LIMIT, async () => {
      await using running = await open();
      const [plain, naming] = [await running.token(), await running.token({ events: ['CALL_END_CORRECTED'] })];
      const everybody = await running.connect(`?token=${plain}&v=1&snapshot=calls`);
      const billing = await running.connect(`?token=${naming}`);
      await running.ingest(legEvent(ACCOUNT, 'a', 'CHANNEL_CREATE', FS1));
      await tableHas(running, plain, ['a']);
      await running.reconcile({ switch: 'freeswitch@fs1', live: [], listed_at: soon() });
      const real = legEvent(ACCOUNT, 'a', 'CHANNEL_DESTROY', { ...FS1, 'Billing-Seconds': 42 });
      const answer = await running.ingest(real);
      const [line] = answer.body['events'] as unknown as { status: string; late?: boolean }[];
      assert.deepEqual([line?.status, line?.late], ['duplicate', true]);
      await running.ingest(real);
      await until('the correction', () => eventsOf(billing, 'a').length === 1);
      const [correction] = eventsOf(billing, 'a');
      assert.deepEqual([correction?.['Event-Name'], correction?.['Billing-Seconds']], ['CALL_END_CORRECTED', 42]);
      await running.ingest(legEvent(ACCOUNT, 'after', 'CHANNEL_CREATE'));
      await until('the event after it', () => heard(everybody).some(({ event }) => event?.['Call-ID'] === 'after'));
      assert.deepEqual(namesOf(eventsOf(everybody, 'a')), ['CHANNEL_CREATE', 'CHANNEL_DESTROY']);
      assert.equal(eventsOf(billing, 'a').length, 1);
      everybody.close();
      billing.close();
    });

    test('a wrong list is refused with what is wrong, and ends nothing', LIMIT, async () => {
      await using running = await open();
      const list = { switch: 'freeswitch@fs1', live: [] };
      const refusals: [unknown, number, string][] = [
        ['{', 400, 'not_json'],
        ['[]', 400, 'invalid_request'],
        [[], 400, 'invalid_request'],
        [{ ...list, live: 'all' }, 400, 'invalid_request'],
        [{ ...list, switch: '' }, 400, 'invalid_request'],
        [{ ...list, started_at: 'yesterday' }, 400, 'invalid_request'],
        [{ ...list, secret: 'hunter2' }, 400, 'invalid_request'],
        ['x'.repeat(9 * 1_024 * 1_024), 413, 'body_too_large'],
      ];
      for (const [body, status, code] of refusals) {
        const answer = await running.reconcile(body);
        assert.deepEqual([answer.status, answer.body['code']], [status, code]);
        assert.doesNotMatch(JSON.stringify(answer.body), /hunter2|yesterday/);
      }
      const stranger = await running.reconcile(list, await running.token());
      assert.deepEqual([stranger.status, stranger.body['code']], [401, 'unauthorized']);
    });
  });
}
