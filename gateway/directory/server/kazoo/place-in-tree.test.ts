import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placeInTree } from './place-in-tree.ts';

const parents: Record<string, string | null> = { root: null, a: 'root', b: 'a', x: 'root' };
const place = (...ancestors: string[]) => placeInTree(ancestors, 'root', (id) => parents[id]);

test('the parent is found in either order, and never guessed', () => {
  assert.deepEqual(place('root'), { kind: 'below', parent: 'root' });
  assert.deepEqual(place('root', 'a', 'b'), { kind: 'below', parent: 'b' });
  assert.deepEqual(place('b', 'a', 'root'), { kind: 'below', parent: 'b' });
  assert.deepEqual(place('root', 'x', 'b'), { kind: 'unknown' });
  assert.deepEqual(place('root', 'new'), { kind: 'unknown' });
  assert.deepEqual(place('new', 'root'), { kind: 'unknown' });
  assert.deepEqual(place('a', 'b'), { kind: 'outside' });
  assert.deepEqual(place(), { kind: 'outside' });
});
