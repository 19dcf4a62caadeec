import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { event } from './gateway.suite.ts';
import { events, frames, untilEvents, untilFrame } from '../testing/frames.ts';
import { Refused, type RunningGateway } from '../testing/running-gateway.ts';

const LIMIT = { timeout: 30_000 };

const numbers = (found: readonly { n: number }[]) => found.map(({ n }) => n).toSorted((a, b) => a - b);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);

/** Waits until the clock shows a different millisecond, before and after the returned time. */
export async function laterMillisecond(): Promise<void> {
  const now = Date.now();
  while (Date.now() < now + 2) await nextTurn();
}

/** The control contract, resume and replay over real sockets, for both logs. */
export function replaySuite(name: string, open: () => Promise<RunningGateway>): void {
  const publish = (running: RunningGateway, from: number, to: number, account = 'account_id_1') =>
    running.ingest(
      range(from, to)
        .map((n) => event(account, 'CHANNEL_ANSWER', n))
        .join('\n'),
    );

  describe(`resume and replay on ${name}`, () => {
    test('I3, I4: a client that resumes by its last cursor misses nothing and gets nothing twice', LIMIT, async () => {
      await using running = await open();
      const token = await running.token();
      const first = await running.connect(`?token=${token}&meta=1`);
      await publish(running, 0, 40);
      const seen = (await untilEvents(first, 25)).slice(0, 25);
      first.close();
      await publish(running, 40, 60);
      const resumed = await running.connect(`?token=${token}&meta=1&cursor=${seen.at(-1)?._firehose.cursor ?? ''}`);
      await publish(running, 60, 70);
      const rest = await untilEvents(resumed, 45);
      assert.deepEqual(numbers([...seen, ...rest]), range(0, 70));
      for (const call of [0, 1, 2]) {
        const ofCall = [...seen, ...rest].map(({ n }) => n).filter((n) => n % 3 === call);
        assert.deepEqual(
          ofCall,
          ofCall.toSorted((a, b) => a - b),
        );
      }
    });

    test('the close of a plain connection carries the cursor from which it resumes', LIMIT, async () => {
      await using running = await open();
      const token = await running.token();
      const plain = await running.connect(`?token=${token}`);
      await publish(running, 0, 5);
      await plain.received(5);
      for (let frame = 0; frame < 130; frame += 1) plain.send('{}');
      const { code, reason } = await plain.closed;
      assert.equal(code, 4429);
      await publish(running, 5, 9);
      const { c } = JSON.parse(reason) as { c: string };
      const resumed = await running.connect(`?token=${token}&cursor=${c}`);
      const rest = (await resumed.received(4)).map((text) => JSON.parse(text) as { n: number });
      assert.deepEqual(numbers(rest), range(5, 9));
      resumed.close();
    });

    test('I3: a replay up to now has what was appended just before, though one came before it', LIMIT, async () => {
      await using running = await open();
      const token = await running.token();
      const replayed = async () => {
        const replay = await running.connect(`?token=${token}&from=-1h&to=-0s`);
        assert.equal((await replay.closed).code, 1000);
        return replay.messages.length;
      };
      for (const end of [4, 8, 12]) {
        await publish(running, end - 4, end);
        await laterMillisecond();
        assert.equal(await replayed(), end);
      }
    });

    test('a time begins a replay, and another one ends it with 1000', LIMIT, async () => {
      await using running = await open();
      const token = await running.token();
      await publish(running, 0, 10);
      await laterMillisecond();
      const middle = new Date().toISOString();
      await laterMillisecond();
      await publish(running, 10, 20);
      const all = await running.connect(`?token=${token}&from=-1h`);
      assert.equal((await all.received(20)).length, 20);
      const later = await running.connect(`?token=${token}&meta=1&from=${middle}`);
      assert.deepEqual(numbers(await untilEvents(later, 10)), range(10, 20));
      const bounded = await running.connect(`?token=${token}&meta=1&from=-1h&to=${middle}`);
      const { code, reason } = await bounded.closed;
      assert.equal(code, 1000);
      assert.match(reason, /^\{"e":"replay_done","c":/);
      assert.deepEqual(numbers(events(bounded)), range(0, 10));
      for (const client of [all, later]) client.close();
    });

    test('I5: what is replayed is authorised again', LIMIT, async () => {
      await using running = await open();
      const wide = await running.token();
      const narrow = await running.token({ accounts: ['account_id_2'] });
      await publish(running, 0, 6);
      await publish(running, 6, 9, 'account_id_2');
      const client = await running.connect(`?token=${narrow}&meta=1&from=-1h`);
      assert.deepEqual(numbers(await untilEvents(client, 3)), range(6, 9));
      const everything = await running.connect(`?token=${wide}&from=-1h`);
      await everything.received(9);
      assert.equal(client.messages.length, 3);
      for (const each of [client, everything]) each.close();
    });

    test('what a replay asks for wrongly is answered before the upgrade', LIMIT, async () => {
      await using running = await open();
      const token = await running.token();
      const probe = await running.connect(`?token=${token}&v=1`);
      const { cursor } = await untilFrame(probe, 'hello');
      probe.close();
      const soon = new Date(Date.now() + 3_600_000).toISOString();
      const refusals: [string, number, string][] = [
        ['cursor=nonsense', 400, 'invalid_cursor'],
        ['cursor=', 400, 'invalid_cursor'],
        [`cursor=${cursor}&from=-1m`, 400, 'cursor_and_from'],
        [`cursor=${cursor}&cursor=${cursor}`, 400, 'repeated_parameter'],
        ['from=yesterday', 400, 'invalid_from'],
        ['from=-', 400, 'invalid_from'],
        ['from=2026-02-30T25:00:00Z', 400, 'invalid_from'],
        [`from=${soon}`, 400, 'from_in_future'],
        ['to=-1m', 400, 'to_without_start'],
        [`from=-1m&to=${soon}`, 400, 'to_in_future'],
        ['from=-1m&to=-5m', 400, 'from_after_to'],
        ['from=-1m&on_gap=ignore', 400, 'invalid_on_gap'],
        ['v=2', 400, 'unsupported_version'],
        ['v=1&meta=0', 400, 'invalid_meta'],
        ['v=1&colour=red', 400, 'unknown_parameter'],
      ];
      for (const [query, status, code] of refusals) {
        await assert.rejects(
          running.connect(`?token=${token}&${query}`),
          (error) => error instanceof Refused && error.status === status && error.code === code,
          query,
        );
      }
    });
  });

  describe(`the control contract on ${name}`, () => {
    test('greets first, by version and by subprotocol, and says where one could begin', LIMIT, async () => {
      await using running = await open();
      const token = await running.token({ events: ['CHANNEL_ANSWER'] });
      const client = await running.connect(`?token=${token}&v=1`);
      const hello = await untilFrame(client, 'hello');
      assert.equal(client.messages.length, 1);
      assert.deepEqual(hello.filter, { accounts: null, events: ['CHANNEL_ANSWER'] });
      assert.equal(hello.group, null);
      const other = await running.connect(`?token=${token}`, { 'Sec-WebSocket-Protocol': 'other, firehose.v1' });
      assert.equal(other.protocol, 'firehose.v1');
      await untilFrame(other, 'hello');
      await publish(running, 0, 3);
      const [first] = await untilEvents(client, 3);
      assert.equal(typeof first?._firehose.cursor, 'string');
      const replayed = await running.connect(`?token=${token}&v=1&cursor=${hello.oldest}`);
      assert.deepEqual(numbers(await untilEvents(replayed, 3)), range(0, 3));
      for (const each of [client, other, replayed]) each.close();
    });

    test('a filter changes on the open connection, exactly after the cursor that it names', LIMIT, async () => {
      await using running = await open();
      const token = await running.token();
      const client = await running.connect(`?token=${token}&v=1`);
      const all = await running.connect(`?token=${token}&meta=1`);
      await publish(running, 0, 9);
      await untilEvents(client, 9);
      client.send('{"filter":{"accounts":["account_id_2","account_id_2"],"events":null}}');
      const changed = await untilFrame(client, 'filter');
      assert.deepEqual(changed.filter, { accounts: ['account_id_2'], events: null });
      await publish(running, 9, 12);
      await publish(running, 12, 15, 'account_id_2');
      assert.deepEqual(numbers(await untilEvents(client, 12)), [...range(0, 9), ...range(12, 15)]);
      const after = await running.connect(`?token=${token}&meta=1&cursor=${changed.cursor}`);
      assert.deepEqual(numbers(await untilEvents(after, 6)), range(9, 15));
      for (const each of [client, all, after]) each.close();
    });

    test(
      'a filter outside the scope is refused by a frame, and the connection continues as it was',
      LIMIT,
      async () => {
        await using running = await open();
        const token = await running.token({ accounts: ['account_id_1'], events: ['CHANNEL_ANSWER'] });
        const client = await running.connect(`?token=${token}&v=1`);
        const wrong: [object, string][] = [
          [{ accounts: ['account_id_2'], events: null }, 'account_not_granted'],
          [{ accounts: null, events: ['CHANNEL_DESTROY'] }, 'event_not_granted'],
        ];
        for (const [index, [filter, code]] of wrong.entries()) {
          client.send(JSON.stringify({ filter, ref: `r${index}` }));
          for (;;) {
            const found = frames(client).find((frame) => frame.type === 'error' && frame.ref === `r${index}`);
            if (found?.type === 'error') {
              assert.equal(found.code, code);
              break;
            }
            await client.received(client.messages.length + 1);
          }
        }
        client.send('{"ack":["x"]}');
        await publish(running, 0, 2);
        await untilEvents(client, 2);
        client.close();
      },
    );

    test('a new token is taken in band, may narrow the scope and never widens it', LIMIT, async () => {
      await using running = await open();
      const client = await running.connect(
        `?token=${await running.token({ accounts: ['account_id_1', 'account_id_2'] })}&v=1`,
      );
      client.send(JSON.stringify({ auth: await running.token({ accounts: ['account_id_2', 'account_id_3'] }) }));
      const answer = await untilFrame(client, 'auth_ok');
      assert.ok(answer.expires_in_ms > 3_000_000);
      const { filter } = await untilFrame(client, 'filter');
      assert.deepEqual(filter.accounts, ['account_id_2']);
      await publish(running, 0, 3, 'account_id_1');
      await publish(running, 3, 6, 'account_id_3');
      await publish(running, 6, 9, 'account_id_2');
      assert.deepEqual(numbers(await untilEvents(client, 3)), range(6, 9));
      client.send('{"auth":"not.a.token"}');
      assert.deepEqual(await client.closed, { code: 4501, reason: '{"e":"token_refused"}' });
    });

    test(
      'what is no frame ends the connection with 4500, and a plain client may say what it likes',
      LIMIT,
      async () => {
        await using running = await open();
        const token = await running.token();
        const plain = await running.connect(`?token=${token}`);
        for (const [text, field] of [
          ['{"nack":1}', 'nack'],
          ['hello?', undefined],
          ['{"auth":1}', 'auth'],
        ] as const) {
          const client = await running.connect(`?token=${token}&v=1`);
          client.send(text);
          plain.send(text);
          const { code, reason } = await client.closed;
          assert.deepEqual([code, (JSON.parse(reason) as { f?: string }).f], [4500, field]);
        }
        await publish(running, 0, 1);
        assert.equal((await plain.received(1)).length, 1);
        plain.close();
      },
    );

    test('an idle, filtered client is told how far it has got', { timeout: 60_000 }, async () => {
      await using running = await open();
      const token = await running.token({ accounts: ['account_id_3'] });
      const client = await running.connect(`?token=${token}&v=1`);
      const witness = await running.connect(`?token=${await running.token()}`);
      await publish(running, 0, 9);
      await witness.received(9);
      const { cursor } = await untilFrame(client, 'watermark');
      const resumed = await running.connect(`?token=${await running.token()}&cursor=${cursor}`);
      await publish(running, 9, 12);
      assert.deepEqual(
        numbers((await resumed.received(3)).map((text) => JSON.parse(text) as { n: number })),
        range(9, 12),
      );
      assert.equal(events(client).length, 0);
      for (const each of [client, witness, resumed]) each.close();
    });

    test('a drain is announced with the time at which each client should come back', LIMIT, async () => {
      await using running = await open();
      const token = await running.token();
      const client = await running.connect(`?token=${token}&v=1`);
      await untilFrame(client, 'hello');
      const stop = new AbortController();
      const draining = running.gateway.drain('SIGTERM', stop.signal);
      const { retry_after_ms } = await untilFrame(client, 'drain');
      assert.ok(retry_after_ms >= 0 && retry_after_ms <= 60_000);
      stop.abort();
      await draining;
      assert.equal((await client.closed).code, 1012);
    });
  });
}
