import assert from 'node:assert/strict';
import { test } from 'node:test';
import { covers } from './covers.ts';

test('what the API server adds is no difference, what is missing or other is', () => {
  const live = { spec: { replicas: 2, strategy: { type: 'x' }, list: [{ a: 1, added: true }] }, status: {} };
  assert.ok(covers(live, { spec: { replicas: 2, list: [{ a: 1 }] } }));
  assert.ok(!covers(live, { spec: { replicas: 3 } }));
  assert.ok(!covers(live, { spec: { other: 1 } }));
  assert.ok(!covers(live, { spec: { list: [{ a: 1 }, { a: 2 }] } }));
  assert.ok(!covers(live, { spec: { list: [] } }));
});

test('what is empty may be left out', () => {
  assert.ok(covers({ spec: {} }, { spec: { resources: {} } }));
  assert.ok(covers(undefined, { a: { b: {} } }));
  assert.ok(!covers({}, { a: { b: 1 } }));
  assert.ok(!covers({}, { list: [] }));
});
