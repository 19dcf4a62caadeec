import assert from 'node:assert/strict';
import { until } from '../../../testing/until.ts';
import { connected, eachOnce, gave, REPLAY, type Case } from '../case.ts';

export const RENEW: readonly Case[] = [
  {
    name: 'renew/in-band',
    rules: ['L1'],
    async run(stage) {
      const adapter = stage.start(REPLAY);
      await connected(stage);
      stage.proxy.last.inject({ type: 'token_expiring', expires_at: '2026-01-01T00:00:00.000Z', expires_in_ms: 5_000 });
      await until('auth', () => stage.proxy.last.sent.some((frame) => typeof frame['auth'] === 'string'));
      assert.equal(stage.proxy.logins.length, 2);
      assert.ok(stage.proxy.logins[1]?.bearer, 'the former token goes with the login');
      await until('auth_ok', () => stage.proxy.last.received.some((text) => text.includes('"auth_ok"')));
      await stage.produce(0, 5);
      await gave(adapter, 5);
      assert.equal(stage.proxy.connections.length, 1);
    },
  },
  {
    name: 'renew/expired',
    rules: ['L1', 'L5'],
    async run(stage) {
      const adapter = stage.start(REPLAY);
      await connected(stage);
      await stage.produce(0, 20);
      await gave(adapter, 20);
      stage.proxy.last.close(4401, 'token_expired');
      await connected(stage, 2);
      await stage.produce(20, 40);
      await gave(adapter, 40);
      eachOnce(adapter.numbers, 40);
      assert.equal(stage.proxy.logins.length, 2);
    },
  },
  {
    name: 'renew/refused-twice',
    rules: ['L3'],
    async run(stage) {
      const adapter = stage.start();
      for (const n of [1, 2]) {
        await until('a connection', () => stage.proxy.connections.length >= n);
        // Before its `hello`: the token was never accepted.
        stage.proxy.script.message = () => [];
        stage.proxy.last.close(4401, 'token_expired');
      }
      const { is, code, status } = await adapter.done();
      assert.deepEqual([is, code, status], ['error', 'login_refused', 401]);
    },
  },
  {
    name: 'renew/handshake-401',
    rules: ['L1'],
    needs: 'read_refusal',
    async run(stage) {
      stage.proxy.script.handshake = (n) => (n === 0 ? { status: 401, body: { code: 'token_expired' } } : null);
      stage.start();
      await connected(stage);
      assert.equal(stage.proxy.logins.length, 2);
    },
  },
];
