import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../runtime/logging/logger.ts';
import type { KubeObject } from '../kubernetes/objects.ts';
import { Memories, TIMINGS, type Context } from './context.ts';
import { finalize, FINALIZER, SKIP_ANNOTATION } from './finalize.ts';

test('a resource that the cache still holds after it was let go is cleaned up, told and let go only once', async () => {
  const said: string[] = [];
  const merged: KubeObject[] = [];
  const context = {
    api: { merge: async (_: unknown, object: KubeObject) => merged.push(object) },
    recordEvent: async (_: unknown, type: string, reason: string) => void said.push(`${type} ${reason}`),
    timings: TIMINGS,
    now: () => Date.parse('2026-01-31T09:30:00Z'),
    logger: silentLogger,
  } as unknown as Context;
  const memory = new Memories().of('default/test');
  const named = (uid: string): KubeObject => ({
    apiVersion: 'firehose.dev/v1alpha1',
    kind: 'FirehoseSubscription',
    metadata: {
      name: 'acme',
      namespace: 'voice',
      uid,
      finalizers: [FINALIZER],
      annotations: { [SKIP_ANNOTATION]: 'true' },
      deletionTimestamp: '2026-01-31T09:29:59Z',
    },
    spec: {},
  });
  for (const uid of ['first', 'first', 'second']) {
    assert.deepEqual(await finalize(context, memory, named(uid)), { done: true });
  }
  assert.deepEqual(said, ['Warning RedisNotCleanedUp', 'Warning RedisNotCleanedUp']);
  assert.equal(merged.length, 2);
});
