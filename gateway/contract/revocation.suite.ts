import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import { ADMIN, Refused, type Client, type RunningGateway } from '../testing/running-gateway.ts';

const OPERATOR = { username: 'operator', password: 'operatorpassword', domain: 'north' };
const REVOKED = { code: 4503, reason: '{"e":"revoked"}' };

export async function isRefused(running: RunningGateway, token: string): Promise<void> {
  await assert.rejects(running.connect(`?token=${token}`), (error) => {
    assert.ok(error instanceof Refused, String(error));
    assert.deepEqual([error.status, error.code], [401, 'invalid_token']);
    return true;
  });
}

/** Revocation over real sockets, for both logs. */
export function revocationSuite(name: string, open: () => Promise<RunningGateway>): void {
  describe(`revocation on ${name}`, () => {
    const operatorToken = async (running: RunningGateway) =>
      String((await running.login(OPERATOR)).body['access_token']);

    test('a token by itself and by its id: its connections end, it is refused, the same user goes on with others', async () => {
      await using running = await open();
      const tokens = [await running.token(), await running.token(), await running.token()] as const;
      const clients: Client[] = [];
      for (const token of tokens) clients.push(await running.connect(`?token=${token}`));
      const jti = String(decodeJwt(tokens[1]).jti);
      const byToken = await running.administer('/revocations', { token: tokens[0] });
      const byId = await running.administer('/revocations', { jti });
      assert.deepEqual([byToken.status, byToken.body['closed'], byId.status, byId.body['closed']], [200, 1, 200, 1]);
      assert.deepEqual(byToken.body['revoked'], { jti: decodeJwt(tokens[0]).jti });
      for (const client of clients.slice(0, 2)) assert.deepEqual(await client.closed, REVOKED);
      await isRefused(running, tokens[0]);
      await isRefused(running, tokens[1]);
      (await running.connect(`?token=${tokens[2]}`)).close();
      const listed = (await running.administer('/revocations')).body['revocations'] as { revoked: object }[];
      assert.deepEqual(
        listed.map(({ revoked }) => revoked),
        [{ jti }, byToken.body['revoked']],
      );
      clients[2]?.close();
    });

    test('a user, by domain and by account, in whatever case: every token so far ends, and the next login works', async () => {
      await using running = await open();
      const other = await running.connect(`?token=${await operatorToken(running)}`);
      for (const user of [
        { domain: 'ADMIN', username: 'Admin' },
        { account: '91eb05e5c68d7ca05e7618b6821d2d16', username: 'admin' },
      ]) {
        const [one, two] = [await running.token(), await running.token({ events: ['DTMF'] })];
        const client = await running.connect(`?token=${one}`);
        const answer = await running.administer('/revocations', { user });
        assert.deepEqual(answer.body['closed'], 1);
        assert.deepEqual(await client.closed, REVOKED);
        await isRefused(running, one);
        await isRefused(running, two);
        // At once, within the same second.
        (await running.connect(`?token=${await running.token()}`)).close();
      }
      other.close();
    });

    test('an account with all below it, and nobody above', async () => {
      await using running = await open();
      const [above, below] = [await running.token(), await operatorToken(running)];
      const [stays, ends] = [await running.connect(`?token=${above}`), await running.connect(`?token=${below}`)];
      assert.equal((await running.administer('/revocations', { account: 'account_id_3' })).body['closed'], 0);
      assert.equal((await running.administer('/revocations', { account: 'account_id_1' })).body['closed'], 1);
      assert.deepEqual(await ends.closed, REVOKED);
      await isRefused(running, below);
      (await running.connect(`?token=${above}`)).close();
      const root = await running.administer('/revocations', { user: { domain: 'admin', username: 'admin' } });
      assert.equal(root.status, 200);
      assert.deepEqual(await stays.closed, REVOKED);
    });

    test('a connection goes by the token that it has now: renewed, it outlives the old one and ends with the new one', async () => {
      await using running = await open();
      const [old, next, dead] = [await running.token(), await running.token(), await running.token()];
      const client = await running.connect(`?v=1&token=${old}`);
      const other = await running.connect(`?v=1&token=${old}`);
      client.send(JSON.stringify({ auth: next }));
      const answered = (messages: string[]) => messages.some((message) => message.includes('"auth_ok"'));
      for (let count = 1; !answered(client.messages); count += 1) await client.received(count);
      await running.administer('/revocations', { token: dead });
      other.send(JSON.stringify({ auth: dead }));
      assert.equal((await other.closed).code, 4501);
      assert.equal((await running.administer('/revocations', { token: old })).body['closed'], 0);
      assert.equal((await running.administer('/revocations', { token: next })).body['closed'], 1);
      assert.deepEqual(await client.closed, REVOKED);
    });

    test('what was revoked stays so for a replica that is started later with the same keys', async () => {
      await using running = await open();
      const token = await running.token();
      await running.administer('/revocations', { token });
      await using later = await running.another();
      await isRefused(later, token);
      (await later.connect(`?token=${await later.token()}`)).close();
    });

    test('a login that races with the revocation of its user gives a token that is dead or one from after it', async () => {
      await using running = await open();
      const logins = Array.from({ length: 8 }, () => running.login(ADMIN));
      const user = { domain: 'admin', username: 'admin' };
      const answer = await running.administer('/revocations', { user });
      const raced = (await Promise.all(logins)).map(({ body }) => String(body['access_token']));
      const mark = Date.parse(String(answer.body['at'])) * 1_000;
      for (const token of raced) {
        const isAfter = Number(decodeJwt(token)['rev']) >= mark;
        if (isAfter) (await running.connect(`?token=${token}`)).close();
        else await isRefused(running, token);
      }
    });
  });
}
