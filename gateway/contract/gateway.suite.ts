import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { until } from '../../testing/until.ts';
import { ADMIN, Refused, type RunningGateway } from '../testing/running-gateway.ts';

const FIXTURE = new URL('../ingest/fixtures/call-events-2015.ndjson', import.meta.url);
const FIXTURE_ACCOUNT = 'account0000000000000000000000002';

export function event(account: string, name: string, sequence: number): string {
  return `{"Event-Name":"${name}", "Call-ID":"call-${sequence % 3}","n":${sequence},"Account-ID":"${account}"}`;
}

/** The outer contract over real sockets, for both logs. */
export function gatewaySuite(name: string, open: () => Promise<RunningGateway>): void {
  describe(`the outer contract on ${name}`, () => {
    test("the original's example logs in and streams, with the token in the query and in the header", async () => {
      await using running = await open();
      const login = await running.login(ADMIN);
      assert.equal(login.status, 200);
      const token = String(login.body['access_token']);
      const inQuery = await running.connect(`?token=${token}&anything=else`);
      const inHeader = await running.connect('', { Authorization: `Bearer ${token}` });
      const both = await running.connect(`?token=${token}`, { Authorization: `Bearer ${token}` });
      const sent = event('account_id_3', 'CHANNEL_ANSWER', 1);
      assert.equal((await running.ingest(sent)).body['accepted'], 1);
      for (const client of [inQuery, inHeader, both]) assert.deepEqual(await client.received(1), [sent]);
    });

    test('accounts and events filter, and a foreign account is refused by name', async () => {
      await using running = await open();
      const filters = { accounts: ['account_id_1'], events: ['CHANNEL_DESTROY'] };
      const filtered = await running.connect(`?token=${await running.token(filters)}`);
      const unfiltered = await running.connect(`?token=${await running.token()}`);
      const sent = [
        event('account_id_1', 'CHANNEL_ANSWER', 1),
        event('account_id_2', 'CHANNEL_DESTROY', 2),
        event('account_id_3', 'CHANNEL_DESTROY', 3),
        event('account_id_1', 'CHANNEL_DESTROY', 4),
      ];
      await running.ingest(sent.join('\n'));
      assert.deepEqual((await unfiltered.received(4)).toSorted(), sent.toSorted());
      assert.deepEqual(await filtered.received(1), [sent[3]]);
      const foreign = await running.login({ ...ADMIN, accounts: ['account_id_1', 'account_of_others'] });
      assert.equal(foreign.status, 403);
      assert.match(JSON.stringify(foreign.body), /account_of_others/);
    });

    test('what can fail fails before the upgrade, with a coded body', async () => {
      await using running = await open();
      const [token, other] = [await running.token(), await running.token({ events: ['DTMF'] })];
      const refusals: [string, Record<string, string>, number, string][] = [
        ['', {}, 401, 'invalid_token'],
        ['?token=nonsense', {}, 401, 'invalid_token'],
        [`?token=${token}x`, {}, 401, 'invalid_token'],
        [`?token=${token}`, { Authorization: `Bearer ${other}` }, 400, 'two_tokens'],
        [`?token=${token}&meta=yes`, {}, 400, 'invalid_meta'],
        [`?token=${token}&cursor=abc`, {}, 400, 'invalid_cursor'],
        [`/elsewhere?token=${token}`, {}, 404, 'not_found'],
      ];
      for (const [target, headers, status, code] of refusals) {
        await assert.rejects(running.connect(target, headers), (error) => {
          assert.ok(error instanceof Refused, String(error));
          assert.deepEqual([error.status, error.code], [status, code]);
          return true;
        });
      }
    });

    test('real events go in by ingest and come out byte for byte', async () => {
      await using running = await open();
      const directory = await readFile(running.directoryFile, 'utf8');
      const added = `  - { id: '${FIXTURE_ACCOUNT}', name: fixture, realm: fixture.sip.example.com, parent: 'account_id_1' }\nusers:`;
      await writeFile(running.directoryFile, directory.replace('users:', added));
      await until('the added account in the directory', async () => {
        const { status } = await running.login({ ...ADMIN, accounts: [FIXTURE_ACCOUNT] });
        return status === 200;
      });
      const client = await running.connect(`?token=${await running.token()}`);
      const body = await readFile(FIXTURE, 'utf8');
      const answer = await running.ingest(body);
      assert.equal(answer.body['accepted'], 3);
      assert.deepEqual(await client.received(3), body.trim().split('\n'));
      assert.equal((await running.ingest(body)).body['duplicate'], 3);
    });

    test('a user who is disabled in the directory is closed with 4503', async () => {
      await using running = await open();
      const client = await running.connect(`?token=${await running.token()}`);
      const directory = await readFile(running.directoryFile, 'utf8');
      await writeFile(running.directoryFile, directory.replace('username: admin,', 'username: admin, enabled: false,'));
      assert.deepEqual(await client.closed, { code: 4503, reason: '{"e":"revoked"}' });
    });

    test('the 121st frame of a minute closes with 4429, and one of more than 4 KB with 1009', async () => {
      await using running = await open();
      const token = await running.token();
      const chatty = await running.connect(`?token=${token}`);
      for (let frame = 0; frame < 121; frame += 1) chatty.send('hello');
      assert.equal((await chatty.closed).code, 4429);
      const large = await running.connect(`?token=${token}`);
      large.send('x'.repeat(4_097));
      assert.equal((await large.closed).code, 1009);
    });

    test('a drain closes with 1012 and refuses newcomers with 503', async () => {
      await using running = await open();
      const token = await running.token();
      const client = await running.connect(`?token=${token}`);
      const draining = running.gateway.drain('SIGTERM', new AbortController().signal);
      await assert.rejects(
        running.connect(`?token=${token}`),
        (error) => error instanceof Refused && error.status === 503 && error.code === 'draining',
      );
      assert.equal((await client.closed).code, 1012);
      await draining;
    });
  });
}
