import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { recordedLogger } from '../../testing/recorded-logger.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { untilFrame } from '../testing/frames.ts';
import { startGateway, type Client, type RunningGateway } from '../testing/running-gateway.ts';
import { getCalls } from './calls.suite.ts';

const LIMIT = { timeout: 120_000 };
const CANARIES = [
  'canarysdp',
  'canaryhost',
  '4930777',
  'canaryname',
  'canarydigit',
  'canarybill',
  'canaryvar',
  'canaryfree',
];

const leg = (callId: string, name = 'CHANNEL_CREATE') =>
  JSON.stringify({
    'Event-Category': 'call_event',
    'Event-Name': name,
    'Call-ID': callId,
    'Account-ID': 'account_id_1',
    'Caller-ID-Number': '+4930777',
    'Caller-ID-Name': 'canaryname',
    From: '+4930777@canaryhost:5060',
    'Local-SDP': 'canarysdp',
    'Switch-Hostname': 'canaryhost',
    'DTMF-Digit': 'canarydigit',
    Free: 'canaryfree',
    'Custom-Channel-Vars': {
      'Account-ID': 'account_id_1',
      'Owner-ID': 'canaryvar',
      'Account-Billing': 'canarybill',
      'Caller-ID-Number': '+4930777',
    },
  });

/** Everything that a client was sent, by every way that events leave. */
describe('V1: on every way that events leave, nothing leaves of what the profile hides', LIMIT, () => {
  let redis: RedisServer;
  let running: RunningGateway;
  let token: string;
  const { lines, logger } = recordedLogger('debug');
  before(async () => {
    redis = await startRedis();
    running = await startGateway({
      redisUrl: redis.url,
      plain: true,
      calls: { enabled: true },
      privacy: { default: 'crm', profiles: [{ name: 'crm' }] },
      logger,
    });
    token = await running.token();
  });
  after(async () => {
    await running[Symbol.asyncDispose]();
    await redis.stop();
  });

  function assertClean(texts: readonly string[], what: string): void {
    assert.ok(texts.length > 0, what);
    for (const text of texts) {
      for (const canary of CANARIES) assert.ok(!text.includes(canary), `${what}: ${canary} in ${text}`);
    }
  }

  const eventsOf = (client: Client) => client.messages.filter((text) => text.includes('"Event-Name"'));

  test('live in every format, compressed and replayed', LIMIT, async () => {
    const queries = ['', '&meta=1', '&v=1', ...Array.from({ length: 9 }, () => '&meta=1')];
    const clients = await Promise.all(queries.map(async (query) => running.connect(`?token=${token}${query}`)));
    const hello = await untilFrame(clients[2] as Client, 'hello');
    assert.equal((hello as { privacy?: unknown }).privacy, 'crm');
    await running.ingest([1, 2, 3].map((n) => leg(`live-${n}`)).join('\n'));
    for (const [at, client] of clients.entries()) {
      await until('the events', () => eventsOf(client).length === 3);
      assertClean(client.messages, `live ${queries[at]}`);
      assert.ok(eventsOf(client).every((text) => text.includes('"Caller-ID-Number":"p_')));
      client.close();
    }
    const replay = await running.connect(`?token=${token}&from=-1h&to=-0s`);
    await replay.closed;
    assertClean(replay.messages, 'replay');
  });

  test('a durable group, again after it was not acknowledged', LIMIT, async () => {
    const member = async () => running.connect(`?token=${token}&group=default&v=1`);
    const first = await member();
    await until('its place', async () => (await untilFrame(first, 'hello')) !== null);
    await running.ingest([1, 2, 3].map((n) => leg(`group-${n}`)).join('\n'));
    await until('events of the group', () => eventsOf(first).length >= 3);
    assertClean(first.messages, 'group');
    first.close();
    const second = await member();
    await until('the same events', () => eventsOf(second).length >= 3);
    assertClean(second.messages, 'group, again');
    second.close();
  });

  test('snapshots of live calls, on the stream and by HTTP', LIMIT, async () => {
    await running.ingest(leg('call-1'));
    const calls = await until('the call', async () => {
      const answer = JSON.stringify(await getCalls(running, token));
      return answer.includes('call-1') ? answer : null;
    });
    assertClean([calls], 'calls');
    const board = await running.connect(`?token=${token}&v=1&snapshot=calls`);
    await untilFrame(board, 'snapshot_end');
    assertClean(board.messages, 'snapshot');
    assert.ok(board.messages.some((text) => text.includes('"type":"call"') && text.includes('"caller_number":"p_')));
    board.close();
  });

  test('V5: logs and metrics hold no canary, and no key', LIMIT, async () => {
    assertClean(lines, 'log');
    assertClean([await (await fetch(`http://127.0.0.1:${running.gateway.innerPort}/metrics`)).text()], 'metrics');
  });
});
