import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { recordedLogger } from '../testing/recorded-logger.ts';
import { ADMIN, startGateway, type RunningGateway } from '../gateway/testing/running-gateway.ts';
import { typeCommand } from './testing/type-command.ts';

/** A lock-out from the view of the user, of the log's reader and of an administrator. */
describe('lock-outs', { timeout: 120_000 }, () => {
  const { lines, logger } = recordedLogger();
  let running: RunningGateway;
  before(async () => {
    running = await startGateway({ logger });
  });
  after(() => running[Symbol.asyncDispose]());

  const type = (...args: string[]) => typeCommand(running, 'lockouts', ...args);
  const fail = async (username: string) => {
    for (let at = 0; at < 10; at += 1) await running.login({ ...ADMIN, username, password: `wrong-${at}` });
  };

  test('the answer says why and until when, one log line says that it began, without a name', async () => {
    await fail('admin');
    const answer = await running.login(ADMIN);
    const { code, detail, reason, retry_at: retryAt } = answer.body;
    assert.deepEqual([answer.status, code, reason], [429, 'too_many_tries', 'user_and_address']);
    assert.ok(Date.parse(String(retryAt)) <= Date.now() + 5_000);
    assert.match(
      String(detail),
      /^too many wrong passwords for this user name from this address: try again in \d s, at /,
    );
    assert.equal(
      (await running.login({ ...ADMIN, username: 'operator', domain: 'north', password: 'operatorpassword' })).status,
      200,
    );
    const told = lines.filter((line) => JSON.stringify(line).includes('logins are delayed after too many wrong'));
    assert.equal(told.length, 1, JSON.stringify(told));
    assert.doesNotMatch(JSON.stringify(told), /"admin"|127\.0\.0\.1/);
  });

  test('an administrator lists it, and after it is lifted the right password gets in', async () => {
    const { lockouts } = (await running.administer('/lockouts')).body as { lockouts: Record<string, unknown>[] };
    const [lockout, ...others] = lockouts;
    assert.deepEqual(
      [lockout?.['scope'], lockout?.['username'], lockout?.['address'], lockout?.['failures'], others.length],
      ['user_and_address', 'admin', '127.0.0.1', 10, 0],
    );
    const lifted = await running.administer('/lockouts/lift', { id: lockout?.['id'] });
    assert.deepEqual([lifted.status, lifted.body], [200, { lifted: [lockout?.['id']] }]);
    assert.equal((await running.login(ADMIN)).status, 200);
    assert.deepEqual((await running.administer('/lockouts')).body, { lockouts: [] });
    const again = await running.administer('/lockouts/lift', { id: lockout?.['id'] });
    assert.deepEqual([again.status, again.body['code']], [404, 'no_such_lockout']);
  });

  test('requests are read strictly', async () => {
    for (const body of [{}, { all: false }, { id: '' }, { username: 'a', address: 'b' }, []]) {
      const answer = await running.administer('/lockouts/lift', body);
      assert.deepEqual([answer.status, answer.body['code']], [400, 'invalid_request'], JSON.stringify(body));
    }
    assert.equal((await running.administer('/lockouts', {})).status, 405);
    assert.equal((await running.administer('/lockouts/lift')).status, 405);
  });

  test('the command lists and lifts: by id, by user, by address and all', async () => {
    for (const how of ['id', '--user', '--address', '--all']) {
      await fail('max');
      const { code, output, errors } = await type('list');
      assert.deepEqual([code, errors], [0, '']);
      const [heading, line = '', ...others] = output.trimEnd().split('\n');
      assert.match(heading ?? '', /^id +scope +username +domain +address +failures +next_try_at +until$/);
      assert.match(line, /^\S+ +user_and_address +max +- +127\.0\.0\.1 +10 +[0-9TZ:.-]+ +[0-9TZ:.-]+$/);
      assert.deepEqual(others, []);
      const [id = ''] = line.split(' ');
      const flags = {
        id: [id],
        '--user': ['--user', 'MAX'],
        '--address': ['--address', '127.0.0.1'],
        '--all': ['--all'],
      };
      const lifted = await type('lift', ...(flags[how as keyof typeof flags] ?? []));
      assert.deepEqual(lifted, { code: 0, output: `lifted ${id}\n`, errors: '' }, how);
    }
    const none = await type('lift', '--user', 'max');
    assert.deepEqual([none.code, none.output], [1, '']);
    assert.match(none.errors, /^error: 404 no_such_lockout: /);
    assert.equal((await type('lift', '--all')).output, 'there is no lock-out\n');
    for (const wrong of [[], ['id', '--all'], ['--user', 'a', '--address', 'b']]) {
      assert.equal((await type('lift', ...wrong)).code, 2, wrong.join(' '));
    }
  });
});
