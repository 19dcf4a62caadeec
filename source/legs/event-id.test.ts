import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventIdOf } from './event-id.ts';

test('an id names its leg, its time and its event', () => {
  assert.equal(eventIdOf('fs', 'd09e20b0', 'DESTROY'), 'fs.d09e20b0.DESTROY');
  assert.equal(eventIdOf('ast.pbx1', 'a@b', 17, 'DTMF'), 'ast.pbx1.a:b.17.DTMF');
});

test('legs that do not fit the pattern of ids have ids that fit, and no two the same', () => {
  const legs = ['a/b', 'a b', 'ä', 'x'.repeat(200), `${'x'.repeat(199)}y`, ''];
  const ids = legs.map((leg) => eventIdOf('ast.pbx1', leg, 'CREATE'));
  for (const id of ids) assert.match(id, /^[A-Za-z0-9._:-]{1,128}$/);
  assert.equal(new Set(ids).size, ids.length);
});
