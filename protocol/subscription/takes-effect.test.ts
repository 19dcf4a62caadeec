import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { sourceSchema, sourceTakesEffect } from '../source.ts';
import { subscriptionSchema, takesEffect } from '../subscription.ts';
import { followed, followedInCluster, platformOnly, restartRules } from './takes-effect.ts';

const SPEC = subscriptionSchema.parse({
  apiVersion: 'firehose.dev/v1alpha1',
  kind: 'FirehoseSubscription',
  metadata: { name: 'acme' },
  spec: { account: { id: 'a1' } },
}).spec;

/** The spec with another value at a leaf, valid or not: only its place counts. */
function changed(value: unknown, path: readonly string[]): unknown {
  const [name = '', ...rest] = path;
  if (path.length === 0) return 'another value';
  if (name.endsWith('[]')) {
    const key = name.slice(0, -2);
    const list = ((value as Record<string, unknown>)[key] ?? [{}]) as unknown[];
    return { ...(value as object), [key]: [changed(list[0] ?? {}, rest), ...list.slice(1)] };
  }
  return { ...(value as object), [name]: changed((value as Record<string, unknown> | undefined)?.[name] ?? {}, rest) };
}

describe('every leaf of the schema', () => {
  const { leaves, changes } = takesEffect();
  test('there are as many as the resource has', () => {
    assert.ok(leaves.length > 80, String(leaves.length));
    assert.equal(new Set(leaves.map(({ path }) => path)).size, leaves.length);
  });

  for (const { path, takesEffect: how } of leaves) {
    test(`${path}: ${how ?? 'after a restart'}`, () => {
      const other = changed(SPEC, path.split('.'));
      const [alone, cluster] = [changes(SPEC, other, 'standalone'), changes(SPEC, other, 'cluster')];
      assert.equal(alone.length > 0, how === null || how === 'followed-in-cluster', alone.join());
      assert.equal(cluster.length > 0, how === null, cluster.join());
      for (const place of alone) assert.ok(place.startsWith(`spec.${path.split(/[.[]/)[0] ?? ''}`), place);
    });
  }

  test('what takes effect without a restart is known by name: another field is a decision, not an accident', () => {
    const marked = (how: string) => leaves.filter((leaf) => leaf.takesEffect === how).map(({ path }) => path);
    assert.deepEqual(marked('followed'), [
      'account.includeDescendants',
      'filters.events',
      'filters.excludeEvents',
      'filters.accounts',
      'filters.additionalEvents',
      'privacy.profiles[].name',
      'privacy.profiles[].sdp',
      'privacy.profiles[].network',
      'privacy.profiles[].digits',
      'privacy.profiles[].numbers',
      'privacy.profiles[].names',
      'privacy.profiles[].billing',
      'privacy.profiles[].variables.policy',
      'privacy.profiles[].variables.allow',
      'privacy.profiles[].unknownFields',
      'privacy.profiles[].fields[].name',
      'privacy.profiles[].fields[].action',
      'privacy.default',
    ]);
    assert.deepEqual(marked('followed-in-cluster'), ['auth.token.signing.algorithm']);
  });
});

describe('every leaf of a source', () => {
  const { leaves, changes } = sourceTakesEffect();
  const { spec } = sourceSchema.parse({
    apiVersion: 'firehose.dev/v1alpha1',
    kind: 'FirehoseSource',
    metadata: { name: 'pbx' },
    spec: { simulator: { accounts: [{ id: 'a1', name: 'north', realm: 'north.example.com' }] } },
  });

  for (const { path, takesEffect: how } of leaves) {
    test(`${path}: ${how ?? 'after a restart'}`, () => {
      const other = changed(spec, path.split('.'));
      for (const place of ['standalone', 'cluster'] as const) {
        assert.equal(changes(spec, other, place).length > 0, how === null, place);
      }
    });
  }

  test('the switches, their credentials and the rules of accounts are followed, and nothing else', () => {
    const followedParts = leaves
      .filter((leaf) => leaf.takesEffect === 'followed')
      .map(({ path }) => path.split('[]')[0]);
    assert.deepEqual(
      [...new Set(followedParts)],
      ['kazoo.brokers', 'freeswitch.endpoints', 'freeswitch.amqp.brokers', 'asterisk.endpoints', 'accounts.rules'],
    );
  });
});

describe('the view of what needs a restart', () => {
  const before = z.strictObject({ a: z.string().default('x'), b: followed(z.string().default('y')) });
  const after = before.extend({
    c: z.int().default(3),
    d: z.strictObject({ e: z.boolean().default(true) }).prefault({}),
  });

  test('a field nobody marked restarts', () => {
    assert.deepEqual(restartRules(after).changes(after.parse({}), after.parse({ c: 4 }), 'cluster'), ['spec.c']);
    assert.deepEqual(restartRules(after).changes(after.parse({}), after.parse({ b: 'z' }), 'cluster'), []);
  });

  test('a release that adds a field with a default changes the view of no resource', () => {
    for (const given of [{}, { a: 'other' }]) {
      const [old, now] = [before.parse(given), after.parse(given)];
      assert.deepEqual(restartRules(after).view(now, 'cluster'), restartRules(before).view(old, 'cluster'));
    }
  });

  test('a mark counts for everything below it, until a field has its own', () => {
    const schema = z.strictObject({
      part: platformOnly(z.strictObject({ one: z.string(), two: followedInCluster(z.string()) })),
      list: z.array(z.strictObject({ name: z.string(), policy: platformOnly(z.string()) })),
    });
    const { leaves } = restartRules(schema);
    assert.deepEqual(Object.fromEntries(leaves.map(({ path, takesEffect: how }) => [path, how])), {
      'part.one': 'platform',
      'part.two': 'followed-in-cluster',
      'list[].name': null,
      'list[].policy': 'platform',
    });
  });
});
