import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_KEY_PREFIX, groupKeys, groupName, replicaKeys, resourceKeys, streamKeys } from './keys.ts';

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

test('keys of a resource carry its name, so that resources may share a Redis', () => {
  const keys = resourceKeys(DEFAULT_KEY_PREFIX, 'voice/acme');
  assert.equal(keys.grant('t1'), 'firehose:voice/acme:grant:t1');
  assert.equal(keys.limit('login'), 'firehose:voice/acme:limit:login');
  assert.equal(keys.revoked, 'firehose:voice/acme:revoked');
  assert.equal(keys.slots('account', 'a1'), 'firehose:voice/acme:slots:account:a1');
  assert.notEqual(resourceKeys(DEFAULT_KEY_PREFIX, 'voice/other').grant('t1'), keys.grant('t1'));
});

test('all keys of a group in a partition share the hash tag of its stream', () => {
  const keys = groupKeys(DEFAULT_KEY_PREFIX, 3, groupName('voice/acme', 'default'));
  const all = [keys.owner, keys.fence('a'), keys.token, keys.attempts, keys.dead];
  assert.equal(keys.owner, 'firehose:{3}:group:voice/acme/default:owner');
  assert.equal(keys.dead, 'firehose:{3}:dead:voice/acme/default');
  for (const key of all) assert.ok(key.startsWith('firehose:{3}:'), key);
  assert.equal(new Set(all).size, all.length);
});

test('heartbeats are keys of the resource', () => {
  const keys = replicaKeys(DEFAULT_KEY_PREFIX, 'voice/acme');
  assert.equal(keys.heartbeat('pod-1'), 'firehose:replica:voice/acme:pod-1');
  assert.equal(keys.seen, 'firehose:replicas:voice/acme');
});
