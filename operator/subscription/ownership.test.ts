import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelsOf } from '../resources/rendering.ts';
import { assertOwn, LeftByFormer, ObjectOwnedByOther, ownershipOf } from './ownership.ts';

const ASKING = { name: 'acme', uid: 'new' };
const owner = (uid: string, more: object = {}) => ({
  apiVersion: 'firehose.dev/v1alpha1',
  kind: 'FirehoseSubscription',
  name: 'acme',
  uid,
  controller: true,
  ...more,
});
const live = (metadata: object) => ({ metadata: { name: 'acme-ca', labels: labelsOf('acme'), ...metadata } });

test('an object of the resource itself is its own', () => {
  assert.equal(ownershipOf(live({ ownerReferences: [owner('new')] }), ASKING), 'own');
});

test('an object of a resource of the same name whose uid is gone is left over, and so is one in deletion', () => {
  assert.equal(ownershipOf(live({ ownerReferences: [owner('old')] }), ASKING), 'former');
  assert.equal(ownershipOf(live({ deletionTimestamp: '2026-01-01T00:00:00Z' }), ASKING), 'former');
});

test('an object that lost its owner with `--cascade=orphan` is an orphan, and is taken over', () => {
  for (const metadata of [{}, { ownerReferences: [] }]) {
    assert.equal(ownershipOf(live(metadata), ASKING), 'orphan');
    assert.doesNotThrow(() => assertOwn(live(metadata), 'Secret', ASKING, 'keep it under another name'));
  }
});

test('everything else is foreign, whatever it says of itself', () => {
  const foreign = [
    { labels: {} },
    { labels: labelsOf('other') },
    { labels: labelsOf('acme', 'source') },
    { ownerReferences: [owner('old', { name: 'other' })] },
    { ownerReferences: [owner('old', { kind: 'Deployment', apiVersion: 'apps/v1' })] },
    { ownerReferences: [owner('old', { apiVersion: 'evil.example.com/v1' })] },
    { ownerReferences: [owner('old', { controller: false })] },
    { ownerReferences: [owner('old')], labels: {} },
    { labels: {}, deletionTimestamp: '2026-01-01T00:00:00Z' },
  ];
  for (const metadata of foreign)
    assert.equal(ownershipOf(live(metadata), ASKING), 'foreign', JSON.stringify(metadata));
});

test('a leftover is said to be on its way, a foreign object is named with the way out', () => {
  const check = (metadata: object) => () => assertOwn(live(metadata), 'Secret', ASKING, 'keep it under another name');
  assert.throws(check({ ownerReferences: [owner('old')] }), (error) => {
    assert.ok(error instanceof LeftByFormer);
    assert.equal(error.message, 'the Secret acme-ca was left by the former resource acme and is being deleted');
    return true;
  });
  assert.throws(check({ labels: {} }), (error) => {
    assert.ok(error instanceof ObjectOwnedByOther);
    assert.match(error.message, /delete it, or keep it under another name$/);
    return true;
  });
});
