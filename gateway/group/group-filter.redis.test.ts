import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { declared, GRANT, onOneRedis, pendingInRedis } from '../testing/group-replica.ts';
import { until } from '../../testing/until.ts';

const replica = onOneRedis();
const groups = declared({ name: 'billing', filters: { events: ['DTMF', 'CHANNEL_DESTROY'], accounts: ['shop'] } });
const grantOf = (narrowing: object) => ({ ...GRANT, ...narrowing });

describe('a group with filters of its own', () => {
  it('gets what it keeps; the rest is acknowledged, and waits for nobody', async () => {
    await using gateway = await replica({ groups });
    const consumer = await gateway.connect({ group: 'billing' });
    const other = await gateway.connect();
    await gateway.publish([
      { call: 'one', n: 0, account: 'shop' },
      { call: 'one', n: 1, account: 'shop', name: 'CHANNEL_ANSWER' },
      { call: 'two', n: 0, account: 'acme' },
      { call: 'one', n: 2, account: 'shop', name: 'CHANNEL_DESTROY' },
    ]);
    await until('4 and 2 events received', () => other.received.length === 4 && consumer.received.length === 2);
    await until('nothing pending in Redis', () => pendingInRedis(gateway.place, 'billing'), {
      holds: (seen) => seen === 0,
    });
    assert.deepEqual(
      consumer.received.map(({ call, n }) => [call, n]),
      [
        ['one', 0],
        ['one', 2],
      ],
    );
  });

  it('refuses a login of which it would keep nothing: no stream is silently empty', async () => {
    await using gateway = await replica({ groups });
    const codeOf = async (narrowing: object) => {
      const admission = await gateway.groups.admit('billing', grantOf(narrowing));
      return admission.ok ? null : [admission.problem.status, admission.problem.code];
    };
    assert.deepEqual(await codeOf({ events: ['CHANNEL_ANSWER'] }), [403, 'group_keeps_nothing']);
    assert.deepEqual(await codeOf({ accounts: ['acme'] }), [403, 'group_keeps_nothing']);
    assert.equal(await codeOf({ events: ['CHANNEL_ANSWER', 'DTMF'], accounts: ['acme', 'shop'] }), null);
  });
});
