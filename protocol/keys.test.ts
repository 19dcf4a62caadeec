import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  accountsOfGroup,
  DEFAULT_KEY_PREFIX,
  formerGroupName,
  groupKeys,
  groupName,
  replicaKeys,
  resourceKeys,
  streamKeys,
} from './keys.ts';

test('all keys of a partition share one hash tag, so a script may touch them together in a cluster', () => {
  const keys = streamKeys(DEFAULT_KEY_PREFIX, 3);
  assert.equal(keys.events, 'firehose:{3}:events');
  for (const key of [keys.events, keys.meta, keys.trim, keys.seen('a', 'a}b{c')])
    assert.ok(key.startsWith('firehose:{3}:'), key);
});

test('no two keys of a partition are the same, and partitions share none', () => {
  const all = [0, 1].flatMap((partition) => {
    const keys = streamKeys('p:', partition);
    return [keys.events, keys.meta, keys.trim, keys.seen('a', '1'), keys.seen('a', '2'), keys.seen('b', '1')];
  });
  assert.equal(new Set(all).size, all.length);
});

test('whatever an account is called, no event takes the place of the end of a call', () => {
  const keys = streamKeys('p:', 0);
  const end = keys.ended('A', 'call');
  for (const [account, id] of [
    ['/ended/A', 'call'],
    ['/ended', 'A'],
    ['', 'ended'],
    ['/ended/A/call', 'x'],
  ] as const)
    assert.notEqual(keys.seen(account, id), end);
  assert.ok(end.startsWith(keys.everySeen.slice(0, -1)));
});

test('keys of a resource carry its name, so that resources may share a Redis', () => {
  const keys = resourceKeys(DEFAULT_KEY_PREFIX, 'voice/acme');
  assert.equal(keys.grant('t1'), 'firehose:voice/acme:grant:t1');
  assert.equal(keys.limit('login'), 'firehose:voice/acme:limit:login');
  assert.equal(keys.revoked, 'firehose:voice/acme:revoked');
  assert.equal(keys.slots('account', 'a1'), 'firehose:voice/acme:slots:{voice/acme}:account:a1');
  assert.notEqual(resourceKeys(DEFAULT_KEY_PREFIX, 'voice/other').grant('t1'), keys.grant('t1'));
});

test('all keys of a group in a partition share the hash tag of its stream', () => {
  const keys = groupKeys(DEFAULT_KEY_PREFIX, 3, groupName('voice/acme', 'default', 'a_1'));
  const all = [keys.owner, keys.fence('a'), keys.token, keys.attempts, keys.dead];
  assert.equal(keys.owner, 'firehose:{3}:group:voice/acme/default/a_1:owner');
  assert.equal(keys.dead, 'firehose:{3}:dead:voice/acme/default/a_1');
  for (const key of all) assert.ok(key.startsWith('firehose:{3}:'), key);
  assert.equal(new Set(all).size, all.length);
});

test('groups of look-alike accounts, and a group of the former form, have names and keys of their own', () => {
  const accounts = ['a', 'A', 'a_', 'a-', '-a', '__proto__', 'constructor', 'grant', 'members', 'owner', '0'];
  const names = accounts.flatMap((account) => [
    groupName('voice/acme', 'default', account),
    groupName('voice/acme', 'default-a', account),
    groupName('voice/default', 'acme', account),
  ]);
  assert.equal(new Set(names).size, names.length);
  assert.ok(!names.includes(formerGroupName('voice/acme', 'default')));
  const of = accountsOfGroup(DEFAULT_KEY_PREFIX, { resource: 'voice/acme', group: 'default' });
  const keys = [of.accounts, ...accounts.flatMap((account) => [of.grant(account), of.members(account)])];
  const inPartition = names.flatMap((name) => {
    const { owner, token, attempts, dead, fence } = groupKeys(DEFAULT_KEY_PREFIX, 0, name);
    return [owner, token, attempts, dead, fence('n')];
  });
  assert.equal(new Set([...keys, ...inPartition]).size, keys.length + inPartition.length);
  for (const key of keys) assert.ok(key.startsWith('firehose:{0}:'), key);
});

test('heartbeats are keys of the resource', () => {
  const keys = replicaKeys(DEFAULT_KEY_PREFIX, 'voice/acme');
  assert.equal(keys.heartbeat('pod-1'), 'firehose:replica:voice/acme:pod-1');
  assert.equal(keys.seen, 'firehose:replicas:voice/acme');
});
