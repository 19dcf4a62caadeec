import assert from 'node:assert/strict';
import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import type { OwnRecord } from './record.ts';
import { sealedAgain } from './seal-again.ts';
import { openSecret, sealedBy, sealSecret, type SealKeys } from './seal-secret.ts';

const OF = 'voice/acme/shop/wh_1';
const ring = (kid: string, ...kids: string[]): SealKeys => ({
  kid,
  material: new Map(kids.map((one): [string, KeyObject] => [one, KEYS[one as keyof typeof KEYS]])),
});
const KEYS = { one: createSecretKey(randomBytes(32)), two: createSecretKey(randomBytes(48)) };

test('W5: a sealed secret opens with its key, while that is among the keys, and shows nothing of itself', () => {
  const secret = randomBytes(32);
  const text = sealSecret(secret, ring('one', 'one'), OF);
  assert.deepEqual(openSecret(text, ring('two', 'two', 'one'), OF), secret);
  assert.equal(openSecret(text, ring('two', 'two'), OF), null);
  assert.equal(sealedBy(text), 'one');
  assert.notEqual(sealSecret(secret, ring('one', 'one'), OF), text);
});

test('W5: it opens for no other webhook, and not once it was changed', () => {
  const keys = ring('one', 'one');
  const text = sealSecret(randomBytes(32), keys, OF);
  assert.equal(openSecret(text, keys, 'voice/acme/other/wh_1'), null);
  for (const at of [7, 20, text.length - 2])
    assert.equal(openSecret(text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1), keys, OF), null);
  for (const other of ['', '1', '1:one', '1:one:', '2:one:AAAA', `1:one:${'A'.repeat(20)}`])
    assert.equal(openSecret(other, keys, OF), null);
});

test('after a rotation of the signing keys a record is sealed again, once, and a secret that does not open stays', () => {
  const [current, former] = [randomBytes(32), randomBytes(32)];
  const before = ring('one', 'one');
  const record: OwnRecord = {
    v: 1,
    url: 'https://crm.example.com/',
    description: '',
    format: 'Standard',
    accounts: null,
    events: null,
    off: null,
    by: { username: 'admin', token: 'jti', mark: 0 },
    createdAt: 0,
    changedAt: 0,
    secret: sealSecret(current, before, OF),
    sealedAt: 0,
    previous: { secret: sealSecret(former, before, OF), until: 90_000 },
  };
  const after = ring('two', 'two', 'one');
  assert.equal(sealedAgain(record, { keys: before, of: OF, now: 60_000 }), null);
  // Another replica may still have the former key in force.
  assert.equal(sealedAgain(record, { keys: after, of: OF, now: 10_000 }), null);
  const again = sealedAgain(record, { keys: after, of: OF, now: 60_000 });
  assert.equal(again?.sealedAt, 60_000);
  const only = ring('two', 'two');
  assert.deepEqual(openSecret(again?.secret ?? '', only, OF), current);
  assert.deepEqual(openSecret(again?.previous?.secret ?? '', only, OF), former);
  assert.ok(again !== null && sealedAgain(again, { keys: after, of: OF, now: 120_000 }) === null);
  assert.equal(sealedAgain(record, { keys: only, of: OF, now: 60_000 }), null);
});
