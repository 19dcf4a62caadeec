import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMasterConfirmed, parseSentinels, parseSentinelView, type SentinelView } from './sentinel-verdict.ts';

const MASTER = { address: '10.0.0.1', port: 6379 };
const well: SentinelView = { id: 'a', sentinels: 3, quorum: 2, isWell: true, host: '10.0.0.1', port: 6379 };

const [other, third] = [
  { ...well, id: 'b' },
  { ...well, id: 'c' },
];

test('a master is confirmed by as many sentinels as leave too few for a failover', () => {
  assert.equal(isMasterConfirmed([well, other, third], MASTER), true);
  assert.equal(isMasterConfirmed([well, other], MASTER), true);
  assert.equal(isMasterConfirmed([well], MASTER), false);
  assert.equal(isMasterConfirmed([well, well], MASTER), false, 'one that is reached by two names');
  assert.equal(isMasterConfirmed([], MASTER), false);
  assert.equal(isMasterConfirmed([{ ...well, sentinels: 5, quorum: 2 }, other, third], MASTER), false);
});

test('one that holds it for down, or names another, is enough to doubt it', () => {
  assert.equal(isMasterConfirmed([well, other, { ...third, isWell: false }], MASTER), false);
  assert.equal(isMasterConfirmed([well, other, { ...third, port: 6380 }], MASTER), false);
  assert.equal(isMasterConfirmed([well, other, { ...third, host: '10.0.0.2' }], MASTER), false);
});

test('a host name cannot be compared, a mapped address can', () => {
  assert.equal(isMasterConfirmed([{ ...well, host: 'redis-0.redis' }, other], MASTER), true);
  assert.equal(isMasterConfirmed([well, other], { ...MASTER, address: '::ffff:10.0.0.1' }), true);
});

test('the reply of a sentinel is read, and what is none is nothing', () => {
  const reply = (flags: string) =>
    `name m ip 10.0.0.1 port 6379 flags ${flags} num-other-sentinels 2 quorum 2`.split(' ');
  assert.deepEqual(parseSentinelView('a', reply('master')), well);
  for (const flags of ['s_down,master', 'master,o_down,failover_in_progress', 'master,disconnected'])
    assert.equal(parseSentinelView('a', reply(flags))?.isWell, false);
  for (const odd of [null, 'OK', [], ['port', 'x']]) assert.equal(parseSentinelView('a', odd), null);
});

test('a sentinel tells where the others are', () => {
  const reply = [
    ['name', 'x', 'ip', '10.0.0.8', 'port', '26379'],
    ['name', 'y', 'ip', '', 'port', '26379'],
  ];
  assert.deepEqual(parseSentinels(reply), [{ host: '10.0.0.8', port: 26_379 }]);
  assert.deepEqual(parseSentinels(null), []);
});
