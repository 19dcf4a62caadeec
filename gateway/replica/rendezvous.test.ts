import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownerOf } from './rendezvous.ts';

const replicas = ['gw-0', 'gw-1', 'gw-2', 'gw-3'];
const things = Array.from({ length: 4_000 }, (_, at) => `voice/acme/default/${at}`);

test('everyone chooses the same owner, in whatever order the candidates come', () => {
  for (const thing of things.slice(0, 100))
    assert.equal(ownerOf(thing, replicas), ownerOf(thing, replicas.toReversed()));
});

test('the load is spread about evenly', () => {
  const counts = new Map<string | null, number>();
  for (const thing of things) {
    const owner = ownerOf(thing, replicas);
    counts.set(owner, (counts.get(owner) ?? 0) + 1);
  }
  for (const replica of replicas) assert.ok(Math.abs((counts.get(replica) ?? 0) - 1_000) < 200, replica);
});

test('a replica that goes moves only what it owned', () => {
  const rest = replicas.filter((replica) => replica !== 'gw-2');
  for (const thing of things) {
    const before = ownerOf(thing, replicas);
    if (before !== 'gw-2') assert.equal(ownerOf(thing, rest), before);
  }
});

test('without candidates there is no owner', () => {
  assert.equal(ownerOf('thing', []), null);
});
