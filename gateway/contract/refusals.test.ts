import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pino } from 'pino';
import { until } from '../../testing/until.ts';
import { STREAM_PATH } from '../../protocol/paths.ts';
import { ADMIN, Refused, startGateway } from '../testing/running-gateway.ts';
import { ask, upgradeRequest } from '../testing/raw-client.ts';

const LIMIT = { timeout: 60_000 };

describe('refused handshakes', () => {
  test(
    'with refusals=close are accepted and closed with a code of their own; without it nothing changes',
    LIMIT,
    async () => {
      await using running = await startGateway({});
      const token = await running.token();
      const cases: [string, number, number, string][] = [
        ['token=wrong', 401, 4401, 'invalid_token'],
        ['', 401, 4401, 'invalid_token'],
        [`token=${token}&v=1&cursor=nonsense`, 400, 4500, 'invalid_cursor'],
        [`token=${token}&v=2`, 400, 4500, 'unsupported_version'],
        [`token=${token}&v=1&more=1`, 400, 4500, 'unknown_parameter'],
        [`token=${token}&group=default`, 501, 4500, 'groups_need_redis'],
      ];
      for (const [query, status, code, problem] of cases) {
        const target = `?${query}&refusals=close`;
        const client = await running.connect(target);
        const closed = await client.closed;
        assert.equal(closed.code, code, target);
        const { e, d } = JSON.parse(closed.reason) as { e: string; d?: string };
        if (status !== 501) assert.equal(e, problem, target);
        assert.ok(d === undefined || d.length > 10);
        await assert.rejects(
          running.connect(`?${query}`),
          (error) => error instanceof Refused && error.status === status,
        );
      }
      const right = await running.connect(`?token=${token}&v=1&refusals=close`);
      assert.equal((await right.received(1)).length, 1);
      right.close();
      const strange = running.connect(`?token=${token}&v=1&refusals=yes`);
      await assert.rejects(strange, (error) => error instanceof Refused && error.code === 'invalid_refusals');
    },
  );

  test('whatever a library would refuse has a code, and is counted (T7)', LIMIT, async () => {
    await using running = await startGateway({ plain: true });
    const right = upgradeRequest(await running.token());
    const header = (value: string) => right.replace('Upgrade:', `Sec-WebSocket-Protocol: ${value}\r\nUpgrade:`);
    const malformed = ['a,,b', 'a, a', 'a b', '', ',', 'a;b', '"a"', 'a,', '\u00e9'];
    for (const value of malformed) {
      const { status, type, body } = await ask(running.gateway.port, Buffer.from(header(value), 'latin1'));
      assert.deepEqual([status, type], [400, 'application/problem+json'], value);
      assert.match(body, /"code":"websocket_protocol"/, value);
    }
    assert.equal((await ask(running.gateway.port, header('a, b'))).status, 101);
    const metrics = await (await fetch(`http://127.0.0.1:${running.gateway.innerPort}/metrics`)).text();
    assert.match(metrics, new RegExp(`firehose_handshakes_total{status="400"} ${malformed.length}\n`));
  });

  test(
    'a name of our own family that is not spoken is never confirmed, names of others are as before (T5)',
    LIMIT,
    async () => {
      await using running = await startGateway({ plain: true });
      const token = await running.token();
      const { port } = running.gateway;
      const agreed = async (offered: string): Promise<string | null> => {
        const request = upgradeRequest(token).replace('Upgrade:', `Sec-WebSocket-Protocol: ${offered}\r\nUpgrade:`);
        const { status, head } = await ask(port, request);
        assert.equal(status, 101, offered);
        return /^sec-websocket-protocol: (.*)\r?$/im.exec(head)?.[1] ?? null;
      };
      const cases: [string, string | null][] = [
        ['firehose.v2', null],
        ['firehose.v2, firehose.v3', null],
        ['FIREHOSE.V1', null],
        ['firehose', null],
        ['firehose.v2, firehose.v1', 'firehose.v1'],
        ['firehose.v2, chat', 'chat'],
        ['chat, firehose.v1', 'firehose.v1'],
        ['chat, more', 'chat'],
        ['firehose-fan', 'firehose-fan'],
      ];
      for (const [offered, confirmed] of cases) assert.equal(await agreed(offered), confirmed, offered);
    },
  );

  test('leave one log line at info, with counts and the network alone; refused logins too (N7)', LIMIT, async () => {
    const lines: Record<string, unknown>[] = [];
    const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>);
    await using running = await startGateway({ logger: pino({ level: 'info' }, { write }) });
    const said = (msg: string) => lines.filter((line) => line['msg'] === msg);
    for (let tries = 0; tries < 3; tries += 1) {
      await running.login({ ...ADMIN, password: 'wrong' });
      await assert.rejects(running.connect('?token=wrong'), Refused);
    }
    for (const [message, outcome] of [
      ['logins refused', 'bad_credentials'],
      ['WebSocket handshakes refused', 'invalid_token'],
    ] as const) {
      await until(message, () => said(message).length === 1);
      const [line] = said(message);
      assert.deepEqual(
        [line?.['outcome'], line?.['count'], line?.['network']],
        [outcome, 1, '127.0.0.0/24'],
        STREAM_PATH,
      );
    }
  });
});
