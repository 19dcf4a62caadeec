import assert from 'node:assert/strict';
import { request as plainRequest } from 'node:http';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { CALLS_PATH } from '../../protocol/paths.ts';
import { serverFrameSchema, type ServerFrame } from '../../protocol/server-frame.ts';
import { until } from '../../testing/until.ts';
import { Refused, type Client, type RunningGateway } from '../testing/running-gateway.ts';

const LIMIT = { timeout: 60_000 };

/** An event of a leg. */
export function legEvent(account: string, callId: string, name: string, fields: object = {}): string {
  return JSON.stringify({
    'Event-Category': 'call_event',
    'Event-Name': name,
    'Call-ID': callId,
    'Caller-ID-Number': '1001',
    ...fields,
    'Custom-Channel-Vars': { 'Account-ID': account },
  });
}

interface Heard {
  readonly frame: ServerFrame | null;
  readonly event: { readonly 'Event-Name': string; readonly 'Call-ID': string } | null;
}

export function heard(client: Client): Heard[] {
  return client.messages.map((text) => {
    const value = JSON.parse(text) as Record<string, unknown>;
    const isFrame = Object.keys(value).length === 1 && '_firehose' in value;
    return isFrame
      ? { frame: serverFrameSchema.parse(value['_firehose']), event: null }
      : { frame: null, event: value as unknown as Heard['event'] };
  });
}

const ofType = <T extends ServerFrame['type']>(client: Client, type: T) =>
  heard(client).flatMap(({ frame }) => (frame?.type === type ? [frame as Extract<ServerFrame, { type: T }>] : []));

/** The calls of the last whole snapshot, changed by the events after it: Call-ID to state. */
export function board(client: Client): Map<string, string> {
  let calls = new Map<string, string>();
  let coming: Map<string, string> | null = null;
  for (const { frame, event } of heard(client)) {
    if (frame?.type === 'snapshot_begin') coming = new Map();
    if (frame?.type === 'call') coming?.set(frame.call.call_id, frame.call.state);
    if (frame?.type === 'snapshot_end' && coming !== null) {
      assert.equal(coming.size, frame.calls);
      calls = coming;
      coming = null;
    }
    if (event === null) continue;
    assert.equal(coming, null, 'no event within a snapshot');
    const { 'Call-ID': callId, 'Event-Name': name } = event;
    if (name === 'CHANNEL_CREATE') calls.set(callId, 'ringing');
    if (name === 'CHANNEL_ANSWER') calls.set(callId, 'answered');
    if (name === 'CHANNEL_DESTROY') calls.delete(callId);
  }
  return calls;
}

const whole = (client: Client, count = 1) =>
  until(`${count} whole snapshots`, () => ofType(client, 'snapshot_end').length, { holds: (seen) => seen >= count });

export interface CallsAnswer {
  readonly status: number;
  readonly text: string;
}

/** `GET /ws/v1/firehose/calls` of a gateway without TLS. */
export function getCalls(
  { gateway, documented }: RunningGateway,
  token: string,
  { query = '', accept = 'application/json' } = {},
): Promise<CallsAnswer> {
  const headers = { Authorization: `Bearer ${token}`, Accept: accept };
  return new Promise((resolve, reject) => {
    const asked = plainRequest({ port: gateway.port, host: '127.0.0.1', path: `${CALLS_PATH}${query}`, headers });
    asked.once('response', (response) => {
      let text = '';
      response.on('data', (chunk) => (text += String(chunk)));
      response.on('end', () => {
        const { statusCode: status = 0 } = response;
        documented.answer('GET', CALLS_PATH, { status, body: status < 400 ? null : JSON.parse(text) });
        resolve({ status, text });
      });
    });
    asked.once('error', reject);
    asked.end();
  });
}

const callsOf = ({ text }: CallsAnswer) =>
  (JSON.parse(text) as { calls: { call_id: string; account_id: string; state: string }[] }).calls;

/** The table contains everything that was ingested before. */
export async function tableHas(running: RunningGateway, token: string, callIds: readonly string[]): Promise<void> {
  await until('the calls in the table', () => getCalls(running, token), {
    holds: (answer) =>
      answer.status === 200 &&
      callIds.every((id) => callsOf(answer).some(({ call_id }) => call_id === id)) &&
      callsOf(answer).length === callIds.length,
  });
}

/** Live calls over real sockets, for both logs. `open` starts a gateway without TLS and with `spec.calls.enabled`. */
export function callsSuite(name: string, open: (options?: object) => Promise<RunningGateway>): void {
  describe(`live calls on ${name}`, () => {
    test('LC1: a client joins with the calls that are live, and gets every event after them', LIMIT, async () => {
      await using running = await open();
      const token = await running.token();
      const lines = [1, 2, 3].map((n) => legEvent('account_id_1', `leg-${n}`, 'CHANNEL_CREATE'));
      await running.ingest([...lines, legEvent('account_id_1', 'leg-2', 'CHANNEL_ANSWER')].join('\n'));
      await tableHas(running, token, ['leg-1', 'leg-2', 'leg-3']);
      const client = await running.connect(`?token=${token}&v=1&snapshot=calls`);
      await whole(client);
      assert.deepEqual(
        board(client),
        new Map(Object.entries({ 'leg-1': 'ringing', 'leg-2': 'answered', 'leg-3': 'ringing' })),
      );
      const [begin] = ofType(client, 'snapshot_begin');
      assert.equal(begin?.reason, 'join');
      assert.equal(begin.cursor, ofType(client, 'snapshot_end')[0]?.cursor);
      assert.equal(ofType(client, 'hello')[0]?.cursor, null);
      await running.ingest(
        [
          legEvent('account_id_1', 'leg-1', 'CHANNEL_DESTROY'),
          legEvent('account_id_2', 'leg-4', 'CHANNEL_CREATE'),
        ].join('\n'),
      );
      await until('the events after it', () => board(client).has('leg-4') && !board(client).has('leg-1'));
      client.close();
    });

    test('LC1: clients that join at any time of a busy log all end with the same board', LIMIT, async () => {
      await using running = await open();
      const token = await running.token();
      const clients: Client[] = [];
      for (let n = 0; n < 120; n += 1) {
        const lines = [legEvent('account_id_1', `leg-${n}`, 'CHANNEL_CREATE')];
        if (n >= 5) lines.push(legEvent('account_id_1', `leg-${n - 5}`, 'CHANNEL_ANSWER'));
        if (n >= 10) lines.push(legEvent('account_id_1', `leg-${n - 10}`, 'CHANNEL_DESTROY'));
        await running.ingest(lines.join('\n'));
        if (n % 6 === 0) {
          const joined = await running.connect(`?token=${token}&v=1&snapshot=calls`).catch(unlessUnavailable);
          if (joined !== null) clients.push(joined);
        }
      }
      const last = Array.from({ length: 10 }, (_, n) => n + 110);
      const expected = new Map(last.map((n) => [`leg-${n}`, n < 115 ? 'answered' : 'ringing']));
      for (const client of clients) {
        await until('the last state', () => board(client), {
          holds: (seen) => isDeepStrictEqual(seen, expected),
        });
        client.close();
      }
      assert.ok(clients.length > 5);
    });

    test('a client asks again, once in ten seconds, and loses no event for it', LIMIT, async () => {
      await using running = await open();
      const token = await running.token();
      await running.ingest(legEvent('account_id_1', 'leg-1', 'CHANNEL_CREATE'));
      const client = await running.connect(`?token=${token}&v=1`);
      client.send(JSON.stringify({ snapshot: 'calls', ref: 'first' }));
      await running.ingest(
        [legEvent('account_id_1', 'leg-1', 'CHANNEL_ANSWER'), legEvent('account_id_1', 'leg-1', 'DTMF')].join('\n'),
      );
      await whole(client);
      await until('the events around it', () => heard(client).filter(({ event }) => event !== null).length, {
        holds: (seen) => seen === 2,
      });
      assert.equal(ofType(client, 'snapshot_begin')[0]?.reason, 'asked');
      assert.equal(board(client).get('leg-1'), 'answered');
      client.send(JSON.stringify({ snapshot: 'calls', ref: 'second' }));
      const [error] = await until('the refusal', () => ofType(client, 'error'), { holds: (seen) => seen.length > 0 });
      assert.deepEqual([error?.code, error?.ref], ['snapshot_too_soon', 'second']);
      client.close();
    });

    test('every refusal comes before the upgrade, with its code', LIMIT, async () => {
      await using running = await open();
      const token = await running.token();
      const refused = async (query: string, status: number, code: string, of = token) =>
        assert.rejects(
          running.connect(`?token=${of}&${query}`),
          (error) => error instanceof Refused && error.status === status && error.code === code,
          query,
        );
      await refused('snapshot=calls', 400, 'snapshot_needs_v1');
      await refused('on_gap=snapshot', 400, 'snapshot_needs_v1');
      await refused('v=1&snapshot=all', 400, 'invalid_snapshot');
      await refused('v=1&snapshot=calls&snapshot=calls', 400, 'repeated_parameter');
      await refused('v=1&snapshot=calls&group=default', 400, 'snapshot_in_group');
      await refused('v=1&snapshot=calls&from=-1m', 400, 'snapshot_and_replay');
      const some = await running.token({ events: ['CHANNEL_ANSWER', 'CHANNEL_DESTROY'] });
      await refused('v=1&snapshot=calls', 403, 'snapshot_needs_events', some);
      assert.equal((await getCalls(running, some)).status, 403);
      assert.equal((await getCalls(running, 'none')).status, 401);
    });

    test('a frame that asks for a snapshot is refused where the filter hides its events', LIMIT, async () => {
      await using running = await open();
      const client = await running.connect(`?token=${await running.token()}&v=1`);
      client.send(JSON.stringify({ filter: { accounts: null, events: ['DTMF'] } }));
      client.send(JSON.stringify({ snapshot: 'calls' }));
      const [error] = await until('the refusal', () => ofType(client, 'error'), { holds: (seen) => seen.length > 0 });
      assert.equal(error?.code, 'snapshot_needs_events');
      client.send(JSON.stringify({ snapshot: 'everything' }));
      assert.equal((await client.closed).code, 4500);
    });

    test('LC2: a snapshot shows the calls of the accounts that are granted, and no others', LIMIT, async () => {
      await using running = await open();
      const all = await running.token();
      const lines = ['account_id_1', 'account_id_2', '91eb05e5c68d7ca05e7618b6821d2d16', 'unknown'].map((account) =>
        legEvent(account, `leg of ${account}`, 'CHANNEL_CREATE'),
      );
      await running.ingest(lines.join('\n'));
      await until('three calls', async () => callsOf(await getCalls(running, all)).length, {
        holds: (seen) => seen === 3,
      });
      const one = await running.token({ accounts: ['account_id_1'] });
      const client = await running.connect(`?token=${one}&v=1&snapshot=calls`);
      await whole(client);
      assert.deepEqual([...board(client).keys()], ['leg of account_id_1']);
      const answer = await getCalls(running, all, { query: '?account=account_id_2' });
      assert.deepEqual(
        callsOf(answer).map(({ call_id }) => call_id),
        ['leg of account_id_2'],
      );
      assert.equal((await getCalls(running, one, { query: '?account=account_id_2' })).status, 403);
      client.close();
    });

    test('a poller gets the calls as JSON or as lines, and a socket goes on from the cursor', LIMIT, async () => {
      await using running = await open();
      const token = await running.token();
      await running.ingest(legEvent('account_id_1', 'leg-1', 'CHANNEL_CREATE'));
      await tableHas(running, token, ['leg-1']);
      const json = JSON.parse((await getCalls(running, token)).text) as { cursor: string; next: null; as_of: string };
      assert.equal(json.next, null);
      const lines = (await getCalls(running, token, { accept: 'application/x-ndjson' })).text.trimEnd().split('\n');
      const types = lines.map(
        (line) => serverFrameSchema.parse((JSON.parse(line) as { _firehose: unknown })._firehose).type,
      );
      assert.deepEqual(types, ['snapshot_begin', 'call', 'snapshot_end']);
      await running.ingest(legEvent('account_id_1', 'leg-1', 'CHANNEL_ANSWER'));
      const client = await running.connect(`?token=${token}&v=1&snapshot=calls&cursor=${json.cursor}`);
      await until('the event after the cursor', () => heard(client).some(({ event }) => event !== null));
      assert.deepEqual(ofType(client, 'snapshot_begin'), []);
      client.close();
    });
  });
}

function unlessUnavailable(error: unknown): null {
  if (error instanceof Refused && error.status === 503) return null;
  throw error;
}
