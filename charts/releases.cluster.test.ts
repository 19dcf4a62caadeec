import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { chartTools } from '../testing/chart-tools.ts';
import { objectsOf, type RenderedObject, type Rendering } from './testing/helm.ts';

const CLUSTER_WIDE = /^Cluster/;

let helm: string;
before(async () => {
  ({ helm } = await chartTools());
});

const namesOf = async (rendering: Rendering) =>
  (await objectsOf(helm, rendering))
    .filter(({ kind }) => CLUSTER_WIDE.test(kind))
    .map(({ kind, metadata }) => `${kind} ${metadata.name}`);

describe('releases of one cluster', () => {
  test('never have one name for what belongs to the cluster', async () => {
    const values = { watchNamespaces: ['*'], crds: { enabled: false } };
    const one = new Set(await namesOf({ values, namespace: 'voice', release: 'eu-firehose' }));
    const other = new Set(await namesOf({ values, namespace: 'voice-eu', release: 'firehose' }));
    assert.ok(one.size > 0);
    assert.ok(one.isDisjointFrom(other), [...one, ...other].join(', '));
  });
});

describe("the demo's password", () => {
  test('is new for its Redis and its source at once: neither reads it again', async () => {
    const template = async (component: string, password: string) => {
      const objects = await objectsOf(helm, {
        values: { demo: { enabled: true, redis: { password } }, source: { kind: 'simulator' } },
      });
      const isWanted = ({ kind, metadata }: RenderedObject) =>
        kind === 'Deployment' && metadata.labels?.['app.kubernetes.io/component'] === component;
      const found = objects.find(isWanted) as { spec: { template: object } } | undefined;
      assert.ok(found !== undefined);
      return found.spec.template;
    };
    for (const component of ['redis', 'source'])
      assert.notDeepEqual(await template(component, 'one'), await template(component, 'other'), component);
    assert.deepEqual(await template('operator', 'one'), await template('operator', 'other'));
  });
});
