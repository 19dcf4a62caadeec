import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ADMIN, startGateway, type RunningGateway } from '../../gateway/testing/running-gateway.ts';
import { until } from '../../testing/until.ts';
import { linesOf, start, type } from './testing/typed.ts';

const LIMIT = { timeout: 90_000 };

const environmentOf = (gateway: RunningGateway) => ({
  FIREHOSE_URL: `https://localhost:${gateway.gateway.port}`,
  FIREHOSE_CA: join(gateway.stateFolder, 'ca.crt'),
  FIREHOSE_USERNAME: ADMIN.username,
  FIREHOSE_DOMAIN: ADMIN.domain,
  FIREHOSE_PASSWORD: ADMIN.password,
});

describe('firehose calls', () => {
  let gateway: RunningGateway;
  before(async () => void (gateway = await startGateway({ calls: { enabled: true } })));
  after(() => gateway[Symbol.asyncDispose]());

  const leg = async (callId: string, name: string) => {
    const vars = { 'Account-ID': 'account_id_1' };
    const event = { 'Event-Name': name, 'Call-ID': callId, 'Caller-ID-Number': '1001', 'Custom-Channel-Vars': vars };
    assert.equal((await gateway.ingest(JSON.stringify(event))).body['accepted'], 1);
  };

  test('one JSON object a change: the calls there are, and what becomes of them', LIMIT, async () => {
    await leg('a', 'CHANNEL_CREATE');
    const calls = start(['calls'], environmentOf(gateway));
    await until('the snapshot', () => linesOf(calls.output()).length >= 2);
    await leg('b', 'CHANNEL_CREATE');
    await leg('a', 'CHANNEL_ANSWER');
    await leg('a', 'CHANNEL_DESTROY');
    await until('the end', () => linesOf(calls.output()).some((line) => line['type'] === 'ended'));
    calls.child.kill('SIGINT');
    const { code, output, errors } = await calls.ended;
    assert.deepEqual([code, errors], [0, '']);
    const said = linesOf(output) as { type: string; call?: { call_id: string; state: string } }[];
    assert.deepEqual(said[0], { type: 'snapshot', reason: 'join', calls: 1 });
    assert.equal(said[1]?.call?.call_id, 'a');
    const ofA = said.filter(({ call }) => call?.call_id === 'a').map(({ type: kind, call }) => [kind, call?.state]);
    assert.deepEqual(ofA, [
      ['call', 'ringing'],
      ['changed', 'answered'],
      ['ended', 'answered'],
    ]);
  });

  test('once: the calls there are, as a table into a pipe where that is asked for', LIMIT, async () => {
    await leg('c', 'CHANNEL_CREATE');
    await leg('c', 'CHANNEL_HOLD');
    // A read is shared for half a second: the first result may be an earlier one.
    const output = await until('a look that shows the held call', async () => {
      const { code, output: table, errors } = await type(['calls', '--once', '--pretty'], environmentOf(gateway)).ended;
      assert.deepEqual([code, errors], [0, '']);
      return table.includes('held') ? table : null;
    });
    assert.match(output, /^\d live calls? .*1 held\nSTATE +SINCE +ACCOUNT +FROM +TO +CALL-ID\n/);
    assert.match(output, /\nheld +00:\d\d +account_id_1 +1001 +- +c\n/);
  });

  test(
    'at a terminal the table follows the calls on a screen of its own, which is left at the end',
    LIMIT,
    async () => {
      const calls = type(['calls'], { ...environmentOf(gateway), NO_COLOR: '1' }, { isTTY: true });
      await until('the table', () => calls.output().includes('CALL-ID'));
      await leg('d', 'PARK_PARKED');
      await until('the new call', () => calls.output().includes(' d\x1b[K\n'));
      process.emit('SIGINT');
      assert.equal((await calls.ended).code, 0);
      assert.ok(calls.output().startsWith('\x1b[?1049h') && calls.output().endsWith('\x1b[?1049l'));
    },
  );
});

test('a resource without a table of calls is a refusal that says what to do', LIMIT, async () => {
  await using gateway = await startGateway({});
  const { code, output, errors } = await type(['calls'], environmentOf(gateway)).ended;
  assert.deepEqual([code, output], [1, '']);
  assert.match(errors, /calls_disabled\nerror: .*spec\.calls\.enabled/);
});
