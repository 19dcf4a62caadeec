import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { events } from '../../gateway/testing/group-replica.ts';
import { HOST, SelfServiceSuite } from '../../gateway/testing/self-service-suite.ts';
import { HookedResource, newSecret } from '../../gateway/testing/webhook-gateway.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { linesOf, start } from '../tail/testing/typed.ts';

const LIMIT = { timeout: 120_000 };

/** The command as receiver of a gateway, and the commands of an administrator. */
describe('firehose webhook', LIMIT, () => {
  let redis: RedisServer;
  before(async () => {
    redis = await startRedis();
  });
  after(() => redis.stop());

  async function listening(secret: string, ...flags: readonly string[]) {
    const args = ['webhook', 'listen', '--host', '127.0.0.1', '--port', '0', ...flags];
    const command = start(args, { FIREHOSE_WEBHOOK_SECRET: secret });
    const [, port = ''] = await until('a port', () => /http:\/\/127\.0\.0\.1:(\d+)/.exec(command.errors()));
    return { ...command, url: `http://127.0.0.1:${port}/`, [Symbol.dispose]: () => void command.child.kill('SIGINT') };
  }

  test('listen prints what verifies; test, list, show and replay ask the gateway', LIMIT, async () => {
    const secret = newSecret();
    using receiver = await listening(secret);
    const hooked = { redisUrl: redis.url, receiver: { url: receiver.url, secret, caFile: null } };
    await using resource = await HookedResource.create(hooked);
    await using gateway = await resource.start();
    const firehose = async (...args: readonly string[]) => {
      const environment = { FIREHOSE_STATE: join(resource.folder, 'state') };
      return start(['webhook', ...args, '--inner-port', String(gateway.innerPort)], environment).ended;
    };
    const tested = await firehose('test', 'crm');
    assert.deepEqual([tested.code, tested.errors], [0, '']);
    assert.match(tested.output, /^HTTP 204 after \d+ ms\n$/);
    await resource.publish(events(['call-a'], 3));
    const taken = () => linesOf(receiver.output());
    await until('four requests', () => taken().length === 4);
    assert.partialDeepStrictEqual(taken(), [
      { attempt: null, fault: null, body: { type: 'firehose.test' } },
      { id: 'call-a/0', attempt: '1', fault: null, replay: false },
      { id: 'call-a/1' },
      { id: 'call-a/2' },
    ]);
    const replayed = await firehose('replay', 'crm', '--from', '-1h');
    assert.deepEqual([replayed.code, replayed.output], [0, 'done: 3 sent, 0 refused\n']);
    await until('three more requests', () => taken().length === 7);
    assert.partialDeepStrictEqual(taken().slice(4), [{ id: 'call-a/0', replay: true }, { replay: true }, {}]);
    assert.match((await firehose('list')).output, /^group +account .*\ncrm +\S+ +127\.0\.0\.1:\d+ +sending /);
    const shown = await firehose('show', 'crm', '--json');
    assert.equal((JSON.parse(shown.output) as { attempts: unknown[] }).attempts.length, 6);
    assert.match((await firehose('show', 'crm')).output, /call-a\/0 +1 +acknowledged +204/);
    assert.match((await firehose('enable', 'crm')).output, /^the webhook of crm is on again \(sending\)\n$/);
    const wrong = await firehose('replay', 'crm');
    assert.deepEqual([wrong.code, wrong.output], [1, '']);
    assert.match(wrong.errors, /^error: 400 invalid_request: /);
    assert.match((await firehose('show', 'none')).errors, /404 no_such_webhook/);
  });

  test(
    'list names the owners of webhooks that logins created; disable, enable and delete act on them',
    LIMIT,
    async () => {
      await using suite = await SelfServiceSuite.start();
      await using it = await suite.open();
      const { id } = await it.create();
      const firehose = async (...args: readonly string[]) => {
        const environment = { FIREHOSE_STATE: it.running.stateFolder };
        return start(['webhook', ...args, '--inner-port', String(it.running.gateway.innerPort)], environment).ended;
      };
      const listed = await firehose('list');
      assert.match(listed.output, / lag +pending +lost +owner\n/);
      assert.match(listed.output, new RegExp(`^${id} +account_id_1 +${HOST} +sending .*self-service, operator\n`, 'm'));
      const disabled = await firehose('disable', id);
      assert.deepEqual([disabled.code, disabled.errors], [0, '']);
      assert.match(disabled.output, /is off, until it is enabled by an administrator\n$/);
      assert.match((await firehose('show', id)).output, /off \(operator\)/);
      assert.equal((await firehose('enable', id)).code, 0);
      assert.match((await firehose('list')).output, / sending /);
      assert.match((await firehose('delete', id)).output, /is deleted\n$/);
      assert.match((await firehose('delete', id)).errors, /404 no_such_webhook/);
      assert.equal((await it.tenant.ask('GET', `/${id}`)).status, 404);
    },
  );

  test('listen answers 401 to what does not verify, and never shows the secret', LIMIT, async () => {
    const secret = newSecret();
    using receiver = await listening(secret, '--json');
    const answer = await fetch(receiver.url, { method: 'POST', body: '{"forged":1}' });
    assert.equal(answer.status, 401);
    await until('why', () => receiver.errors().includes('refused with 401: webhook-id'));
    const shown = await until('what was refused', () => linesOf(receiver.output()), {
      holds: ({ length }) => length > 0,
    });
    assert.partialDeepStrictEqual(shown, [{ body: { forged: 1 } }]);
    assert.ok(!(receiver.output() + receiver.errors()).includes(secret.slice(6)));
  });

  test('listen refuses a secret that is none, two secrets, no secret and a port that is taken', LIMIT, async () => {
    using first = await listening(newSecret());
    const port = new URL(first.url).port;
    const taken = await start(['webhook', 'listen', '--host', '127.0.0.1', '--port', port], {
      FIREHOSE_WEBHOOK_SECRET: newSecret(),
    }).ended;
    assert.deepEqual([taken.code, taken.output], [3, '']);
    assert.match(taken.errors, /cannot listen on 127\.0\.0\.1:\d+ \(EADDRINUSE\)/);
    for (const environment of [{}, { FIREHOSE_WEBHOOK_SECRET: 'whsec_sesame' }]) {
      const { code, errors } = await start(['webhook', 'listen', '--port', '0'], environment).ended;
      assert.equal(code, 2);
      assert.match(errors, /^error: /);
      assert.doesNotMatch(errors, /sesame/);
    }
  });
});
