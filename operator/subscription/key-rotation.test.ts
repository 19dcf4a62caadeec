import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nextRotation, type StoredKey } from './key-rotation.ts';

const HOUR = 3_600_000;
const RULES = { algorithm: 'HS256', intervalMs: 100 * HOUR, overlapMs: 10 * HOUR } as const;
const key = (kid: string, more: Partial<StoredKey> = {}): StoredKey => ({ kid, alg: 'HS256', made: 0, ...more });
const kids = (keys: readonly StoredKey[]) => keys.map(({ kid }) => kid);

test('without keys one is made', () => {
  assert.ok(nextRotation([], RULES, null, 0).needsKey);
});

test('a key is replaced at its age, or when the algorithm changes, and only one waits at a time', () => {
  const old = key('a', { signs: 0 });
  assert.ok(!nextRotation([old], RULES, null, 99 * HOUR).needsKey);
  assert.ok(nextRotation([old], RULES, null, 100 * HOUR).needsKey);
  assert.ok(nextRotation([old], { ...RULES, algorithm: 'EdDSA' }, null, 0).needsKey);
  assert.ok(!nextRotation([old, key('b')], RULES, null, 200 * HOUR).needsKey);
});

test('a new key signs once every gateway verifies it, and not while one is silent or unknown', () => {
  const keys = [key('a', { signs: 0 }), key('b')];
  const step = (replicas: string[][], expected: number) =>
    kids(nextRotation(keys, RULES, { replicas, expected }, HOUR).keys);
  assert.deepEqual(kids(nextRotation(keys, RULES, null, HOUR).keys), ['a', 'b']);
  assert.deepEqual(step([['a', 'b'], ['a']], 2), ['a', 'b']);
  assert.deepEqual(step([['a', 'b']], 2), ['a', 'b']);
  assert.deepEqual(
    step(
      [
        ['a', 'b'],
        ['a', 'b'],
      ],
      2,
    ),
    ['b', 'a'],
  );
  assert.deepEqual(step([], 0), ['b', 'a']);
});

test('an old key verifies for the whole overlap after the last gateway stopped signing with it', () => {
  const keys = [key('b', { signs: 3_600 }), key('a', { signs: 0 })];
  const lagging = nextRotation(
    keys,
    RULES,
    {
      replicas: [
        ['b', 'a'],
        ['a', 'b'],
      ],
      expected: 2,
    },
    50 * HOUR,
  );
  assert.deepEqual(kids(lagging.keys), ['b', 'a']);
  const retired = nextRotation(keys, RULES, { replicas: [['b', 'a']], expected: 1 }, 50 * HOUR);
  assert.deepEqual(kids(nextRotation(retired.keys, RULES, null, 59 * HOUR).keys), ['b', 'a']);
  assert.deepEqual(kids(nextRotation(retired.keys, RULES, null, 61 * HOUR).keys), ['b']);
});

/** A simulation of gateways that read the keys late, and of tokens with a lifetime. */
test('whatever is late, no token is ever refused for want of its key', () => {
  const ttl = RULES.overlapMs;
  const turn = fc.record({
    passedMs: fc.integer({ min: 0, max: 30 * HOUR }),
    reads: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
    redis: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(turn, { maxLength: 60 }), (turns) => {
      let now = 0;
      let made = 1;
      let keys: readonly StoredKey[] = [key('k0', { signs: 0 })];
      const mounted = [keys, keys, keys];
      let tokens: { kid: string; until: number }[] = [];
      for (const { passedMs, reads, redis } of turns) {
        now += passedMs;
        for (const [index, isRead] of reads.entries()) if (isRead) mounted[index] = keys;
        for (const ring of mounted) tokens.push({ kid: ring[0]?.kid ?? '', until: now + ttl });
        tokens = tokens.filter(({ until }) => until > now);
        for (const { kid } of tokens)
          for (const ring of mounted) assert.ok(kids(ring).includes(kid), `${kid} at ${now}`);
        const inUse = redis ? { replicas: mounted.map(kids), expected: 3 } : null;
        const step = nextRotation(keys, RULES, inUse, now);
        keys = step.needsKey ? [...step.keys, key(`k${made++}`, { made: now / 1_000 })] : step.keys;
        assert.ok(keys.length <= 8);
      }
    }),
  );
});
