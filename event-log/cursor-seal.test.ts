import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { closeReason } from '../protocol/close-code.ts';

import { CursorSeal, newKeyRecord } from './cursor-seal.ts';
import { encodeUnsealed } from './testing/unsealed.ts';

const NOW = 1_763_979_370_123;
const POSITION = { epoch: 'abcdefghijklmnop', ids: [`${NOW}-0`, `${NOW + 9}-3`, '0-0', `${NOW - 86_400_000}-12`] };
const opened = (seal: CursorSeal, text: string, partitions = 4) => seal.open(text, partitions);

describe('a sealed cursor', () => {
  it('opens to its position, whatever the ids are', () => {
    const number = fc.oneof(fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constantFrom(0, NOW, NOW + 1));
    const ids = fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 64 });
    const seal = new CursorSeal();
    const property = fc.property(fc.stringMatching(/^[\w-]{1,20}$/), ids, (epoch, pairs) => {
      const position = { epoch, ids: pairs.map(([milliseconds, sequence]) => `${milliseconds}-${sequence}`) };
      assert.deepEqual(opened(seal, seal.seal(position), pairs.length), { kind: 'position', position });
      assert.deepEqual(opened(seal, seal.seal(position), pairs.length + 1), { kind: 'invalid' });
    });
    fc.assert(property);
  });

  it('shows nothing of its position: neither in its text nor by its length', () => {
    const seal = new CursorSeal();
    const other = { epoch: POSITION.epoch, ids: ['0-0', `${NOW}-1`, `${NOW}-2`, `${NOW}-40`] };
    const texts = [POSITION, POSITION, other].map((position) => seal.seal(position));
    assert.equal(new Set(texts).size, 3);
    assert.equal(new Set(texts.map((text) => text.length)).size, 1);
    const bytes = Buffer.from(texts[0] ?? '', 'base64url');
    assert.equal(bytes.includes(POSITION.epoch), false);
  });

  it('is refused when its bearer changed one bit, cut it or went on with it', () => {
    const seal = new CursorSeal();
    const bytes = Buffer.from(seal.seal(POSITION), 'base64url');
    // The first four bytes name format and key.
    for (let bit = 32; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(opened(seal, changed.toString('base64url')).kind, 'invalid', `bit ${bit}`);
    }
    const text = bytes.toString('base64url');
    for (const bad of [
      text.slice(0, -4),
      `${text}AAAA`,
      `${text}=`,
      ` ${text}`,
      text.slice(0, 20),
      '',
      'x'.repeat(5_000),
    ]) {
      assert.notEqual(opened(seal, bad).kind, 'position', bad);
    }
  });

  it('fits beside the reason of a close', () => {
    const c = new CursorSeal().seal(POSITION);
    for (const reason of ['slow_consumer', 'cursor_too_old', 'rolling_restart'] as const) {
      assert.deepEqual(JSON.parse(closeReason(reason, { c })), { e: reason, c });
    }
  });
});

describe('the key of cursors', () => {
  it('is shared by its record, and former ones still open what they sealed', () => {
    const [first, second] = [new CursorSeal(), new CursorSeal()];
    const before = second.seal(POSITION);
    assert.equal(opened(first, before).kind, 'foreign');
    second.learn(first.record);
    assert.equal(second.record, first.record);
    assert.equal(opened(first, second.seal(POSITION)).kind, 'position');
    assert.equal(opened(second, before).kind, 'position');
    for (let more = 0; more < 10; more += 1) second.learn(newKeyRecord());
    assert.equal(opened(second, before).kind, 'foreign');
  });

  it('stays when what is kept cannot be read', () => {
    const seal = new CursorSeal();
    const { record } = seal;
    for (const bad of ['', 'x', `${record}x`, record.replace('.', '')]) seal.learn(bad);
    assert.equal(seal.record, record);
    assert.throws(() => new CursorSeal('short.0'), TypeError);
  });

  it('never seals with the same nonce twice', () => {
    const seal = new CursorSeal();
    const nonces = Array.from({ length: 1_000 }, () => seal.seal(POSITION).slice(6, 22));
    assert.equal(new Set(nonces).size, nonces.length);
  });
});

describe('a cursor of a version that did not seal', () => {
  const unsealed = encodeUnsealed(POSITION);

  it('is good after an upgrade, but for positions long after it', () => {
    const upgraded = new CursorSeal(newKeyRecord(NOW));
    assert.deepEqual(opened(upgraded, unsealed), { kind: 'position', position: POSITION });
    const later = encodeUnsealed({ ...POSITION, ids: POSITION.ids.map(() => `${NOW + 25 * 3_600_000}-0`) });
    assert.equal(opened(upgraded, later).kind, 'foreign');
  });

  it('is foreign to a log that never had one: nobody can probe with a position of his own', () => {
    assert.equal(opened(new CursorSeal(), unsealed).kind, 'foreign');
    assert.equal(opened(new CursorSeal(), 'AAAA').kind, 'invalid');
  });
});
