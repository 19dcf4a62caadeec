import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { stringify } from 'yaml';
import { installForeignKinds } from '../operator/testing/foreign-kinds.ts';
import { chartTools, type ChartTools } from '../testing/chart-tools.ts';
import { startControlPlane, type ControlPlane } from '../testing/control-plane/control-plane.ts';
import { DEVIATIONS } from './testing/deviations.ts';
import { idOf, lint, objectsOf, template, type RenderedObject } from './testing/helm.ts';
import { kubeScore } from './testing/kube-score.ts';
import { REFUSED, source, VALUE_SETS } from './testing/value-sets.ts';

const NAMESPACES = ['firehose-system', 'voice', 'billing', '123'];
const RESTRICTED = Object.fromEntries(
  ['enforce', 'warn'].map((mode) => [`pod-security.kubernetes.io/${mode}`, 'restricted']),
);

let tools: ChartTools;
let plane: ControlPlane;
before(async () => {
  tools = await chartTools();
  plane = await startControlPlane({ controllers: 'none' });
  await installForeignKinds(plane);
  for (const name of NAMESPACES) {
    await plane.admin.must('POST', '/api/v1/namespaces', { metadata: { name, labels: RESTRICTED } });
    await plane.admin.must('POST', `/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: 'default' } });
  }
});
after(() => plane[Symbol.asyncDispose]());

/** As Go reads it: `no` is a word only in YAML 1.2. */
const asYaml = (objects: readonly RenderedObject[]) =>
  objects.map((object) => stringify(object, { aliasDuplicateObjects: false, version: '1.1' })).join('---\n');

describe('the chart passes with', { concurrency: 2 }, () => {
  const occurred = new Set<string>();

  for (const { what, values } of VALUE_SETS) {
    test(what, async () => {
      for (const helm of [tools.helm, tools.helm3]) {
        const { code, output, errors } = await lint(helm, values);
        assert.equal(code, 0, output + errors);
      }
      const [objects, byHelm3] = await Promise.all([tools.helm, tools.helm3].map((one) => objectsOf(one, { values })));
      assert.deepEqual(byHelm3, objects, 'Helm 3 and 4 install the same');
      assert.ok(objects !== undefined);
      const names = objects.map(idOf);
      assert.equal(new Set(names).size, names.length, 'no object twice');
      const labels = objects.filter(({ apiVersion }) => !apiVersion.startsWith('rbac.'));
      for (const { metadata } of labels) assert.ok(metadata.name.length <= 63, metadata.name);
      const yaml = asYaml(objects);
      for (const { check, object, what: why } of await kubeScore(tools.kubeScore, yaml)) {
        const known = DEVIATIONS.find((one) => one.check === check && (one.object ?? /./).test(object));
        assert.ok(known !== undefined, `${object}: ${check}: ${why}`);
        occurred.add(`${known.check} ${String(known.object)}`);
      }
      // Unknown fields, and pods that "restricted" would refuse, cause warnings.
      const args = ['apply', '--dry-run=server', '--validate=strict', '--warnings-as-errors', '-f', '-'];
      await plane.kubectl([...args, '--server-side', '--field-manager=helm'], yaml);
    });
  }

  test('names that YAML would take for numbers or words, and a release with a dot', async () => {
    const values = {
      ...source({}, { urlSecret: { name: '123', key: '456' }, tls: { caSecret: { name: 'true', key: '7' } } }),
      serviceAccount: { create: false, name: '0777' },
      operator: { priorityClassName: '1e3' },
      networkPolicy: { fromNamespaces: ['123'] },
      watchNamespaces: ['123'],
    };
    const priority = { metadata: { name: '1e3' }, value: 1 };
    await plane.admin.must('POST', '/apis/scheduling.k8s.io/v1/priorityclasses', priority);
    const where = { release: 'voice.v1', namespace: '123', values };
    const [objects, byHelm3] = await Promise.all([tools.helm, tools.helm3].map((one) => objectsOf(one, where)));
    assert.deepEqual(byHelm3, objects);
    const args = ['apply', '--dry-run=server', '--validate=strict', '-f', '-', '--server-side', '--field-manager=helm'];
    await plane.kubectl(args, asYaml(objects ?? []));
  });

  test('every deviation that is explained still occurs', () => {
    const stale = DEVIATIONS.filter(({ check, object }) => !occurred.has(`${check} ${String(object)}`));
    assert.deepEqual(stale, []);
  });
});

describe('the chart refuses', { concurrency: 2 }, () => {
  for (const { what, values, says } of REFUSED) {
    test(what, async () => {
      for (const helm of [tools.helm, tools.helm3]) {
        const { code, errors } = await template(helm, { values });
        assert.notEqual(code, 0);
        assert.match(errors, says);
      }
    });
  }

  for (const name of ['serviceMonitor', 'prometheusRule'])
    test(`a ${name} where the cluster does not know it`, async () => {
      const { spawnSync } = await import('node:child_process');
      const args = ['template', 'x', 'charts/firehose', '--kube-version', '1.36.3', '--set', `${name}.enabled=true`];
      const { status, stderr } = spawnSync(tools.helm, args, { encoding: 'utf8', cwd: new URL('..', import.meta.url) });
      assert.notEqual(status, 0);
      assert.match(stderr, /does not know monitoring\.coreos\.com/);
    });
});
