import assert from 'node:assert/strict';
import { until } from '../../../testing/until.ts';
import { connected, eachOnce, gave, never, REPLAY, type Case } from '../case.ts';

const refuse = (status: number, code: string, headers = {}) => ({ status, headers, body: { code, detail: code } });

export const CONNECT: readonly Case[] = [
  {
    name: 'connect/events',
    rules: ['L4'],
    async run(stage) {
      await stage.produce(0, 20);
      const adapter = stage.start(REPLAY);
      await gave(adapter, 20);
      await stage.produce(20, 40);
      await gave(adapter, 40);
      eachOnce(adapter.numbers, 40);
      const { query } = stage.proxy.last;
      assert.equal(query.get('v'), '1');
      assert.equal(query.get('refusals'), 'close');
      assert.ok(adapter.of('event').every(({ account, id }) => account === stage.account && id !== undefined));
    },
  },
  {
    name: 'connect/filter',
    rules: [],
    async run(stage) {
      await stage.produce(100, 105, { 'Event-Name': 'CHANNEL_HOLD' });
      await stage.produce(0, 5);
      const adapter = stage.start({ ...REPLAY, events: ['DTMF'], to: '-0s' });
      await adapter.done();
      eachOnce(adapter.numbers, 5);
      assert.deepEqual(stage.proxy.logins[0]?.body['events'], ['DTMF']);
    },
  },
  {
    name: 'connect/replay-ends',
    rules: ['L3'],
    async run(stage) {
      await stage.produce(0, 30);
      const adapter = stage.start({ ...REPLAY, to: '-0s' });
      assert.equal((await adapter.done()).is, 'end');
      eachOnce(adapter.numbers, 30);
      await never('another connection', () => stage.proxy.connections.length > 1, 1_000);
    },
  },
  {
    name: 'connect/login-busy',
    rules: ['L2'],
    async run(stage) {
      stage.proxy.script.login = (n) => (n === 0 ? refuse(503, 'login_busy', { 'Retry-After': '2' }) : null);
      stage.start();
      await connected(stage);
      const [first, second] = stage.proxy.logins;
      assert.ok((second?.at ?? 0) - (first?.at ?? 0) >= 2_000, 'Retry-After of a login');
    },
  },
  {
    name: 'connect/handshake-busy',
    rules: ['L2'],
    needs: 'read_refusal',
    async run(stage) {
      const at: number[] = [];
      stage.proxy.script.handshake = (n) => {
        at.push(performance.now());
        return n === 0 ? refuse(503, 'too_many_connections', { 'Retry-After': '2' }) : null;
      };
      stage.start();
      await connected(stage);
      assert.ok((at[1] ?? 0) - (at[0] ?? 0) >= 2_000, 'Retry-After of a handshake');
    },
  },
  {
    name: 'connect/no-answer',
    rules: ['L2'],
    async run(stage) {
      stage.proxy.script.login = (n) => (n < 3 ? 'cut' : null);
      stage.proxy.script.handshake = (n) => (n < 3 ? 'cut' : null);
      await stage.produce(0, 5);
      await gave(stage.start(REPLAY), 5);
    },
  },
  {
    name: 'connect/wrong-password',
    rules: ['L3'],
    async run(stage) {
      stage.proxy.script.login = () => refuse(401, 'wrong_credentials');
      const { is, code, status } = await stage.start().done();
      assert.deepEqual([is, code, status], ['error', 'login_refused', 401]);
      assert.equal(stage.proxy.logins.length, 2);
    },
  },
  {
    name: 'connect/forbidden',
    rules: ['L3'],
    async run(stage) {
      stage.proxy.script.login = () => refuse(403, 'foreign_account');
      const { is, code, status } = await stage.start().done();
      assert.deepEqual([is, code, status], ['error', 'refused', 403]);
      assert.equal(stage.proxy.logins.length, 1);
    },
  },
  {
    name: 'connect/unknown-event',
    rules: ['L3'],
    async run(stage) {
      const { is, code, reason } = await stage.start({ events: ['CHANNEL_ANSWERED'] }).done();
      assert.deepEqual([is, code, reason], ['error', 'refused', 'unknown_event']);
    },
  },
  {
    name: 'connect/final-close',
    rules: ['L3', 'L10'],
    async run(stage) {
      for (const [place, [code, word]] of (
        [
          [4500, 'not_a_frame'],
          [4501, 'token_refused'],
          [4503, 'revoked'],
        ] as const
      ).entries()) {
        const adapter = stage.start();
        await connected(stage, place + 1);
        stage.proxy.last.close(code, word);
        const said = await adapter.done();
        assert.deepEqual([said.is, said.code, said.reason, said.status], ['error', 'refused', word, code]);
      }
      await never('another connection', () => stage.proxy.connections.length > 3, 1_500);
    },
  },
  {
    name: 'connect/back-off',
    rules: ['L2'],
    async run(stage) {
      const at: number[] = [];
      stage.proxy.script.handshake = () => (at.push(performance.now()), 'cut');
      stage.start();
      await until('attempts', () => at.length >= 3);
      const before = at.length;
      await never('a loop without pauses', () => at.length - before > 25, 8_000);
    },
  },
  {
    name: 'connect/stop',
    rules: ['L11'],
    async run(stage) {
      const adapter = stage.start();
      await connected(stage);
      const asked = performance.now();
      adapter.order({ do: 'stop' });
      const { is } = await adapter.done();
      assert.equal(is, 'end');
      await until('the end of the connection', () => stage.proxy.last.endedAt !== null);
      // One second by the rule, one for a busy machine.
      assert.ok((stage.proxy.last.endedAt ?? 0) - asked < 2_000, 'within a second');
    },
  },
];
