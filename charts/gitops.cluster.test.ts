import assert from 'node:assert/strict';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { Operator } from '../operator/build.ts';
import { foreignDefinitions } from '../operator/testing/foreign-definitions.ts';
import { installCrd } from '../operator/testing/install-crd.ts';
import { startPlatform, VOICE, type Platform } from '../operator/testing/platform.ts';
import { MINIMAL_SPEC } from '../operator/testing/resources.ts';
import { runOperator } from '../operator/testing/run-operator.ts';
import { until } from '../testing/until.ts';
import { chartTools, type ChartTools } from '../testing/chart-tools.ts';
import { startControlPlane, type ControlPlane } from '../testing/control-plane/control-plane.ts';
import { INSTALL_FILE, installYaml, MANIFESTS } from './manifests/render.ts';
import { argoHealth, type Health } from './testing/argo-health.ts';
import { readObjects } from './testing/helm.ts';

const GITOPS = fileURLToPath(new URL('gitops/', import.meta.url));
const FLUX = 'github.com/fluxcd';
const DEFINITIONS = [
  {
    module: `${FLUX}/source-controller`,
    version: 'v1.9.0',
    sum: 'h1:5msg2yyjVYDULZos+2ve8MZzcSqTpusiXmrOeBhc9yY=',
    file: 'config/crd/bases/source.toolkit.fluxcd.io_gitrepositories.yaml',
  },
  {
    module: `${FLUX}/helm-controller`,
    version: 'v1.6.1',
    sum: 'h1:b0XKTQCGlQy4nOGfEFMbn/e+/j9IMEHSDlKecbZkG9M=',
    file: 'config/crd/bases/helm.toolkit.fluxcd.io_helmreleases.yaml',
  },
  {
    module: `${FLUX}/kustomize-controller`,
    version: 'v1.9.0',
    sum: 'h1:WfM+bQUGUGW2qyrrTgh2bIVSZSPmc3JC7234K8NiTWQ=',
    file: 'config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml',
  },
  {
    module: 'github.com/argoproj/argo-cd/v3',
    version: 'v3.4.0',
    sum: 'h1:yZwfaOIzE/aQTA52mOfeZQbribmyxKYvMgirQja4eX0=',
    file: 'manifests/crds/application-crd.yaml',
  },
];

let tools: ChartTools;
before(async () => {
  tools = await chartTools();
});

describe('plain manifests', () => {
  let plane: ControlPlane;
  before(async () => {
    plane = await startControlPlane({ controllers: 'none' });
  });
  after(() => plane[Symbol.asyncDispose]());

  test('are what the chart installs: run `npm run manifests` after a change of it', async () => {
    assert.equal(await readFile(INSTALL_FILE, 'utf8'), await installYaml(tools.helm));
  });

  test('are applied by kubectl as they stand, by the client and by the server', async () => {
    await plane.kubectl(['apply', '-k', MANIFESTS, '--server-side', '--validate=strict', '--warnings-as-errors']);
    const { items } = await plane.admin.must('GET', '/apis/apps/v1/namespaces/firehose-system/deployments');
    assert.equal((items as unknown[]).length, 1);
    await plane.kubectl(['delete', '-k', MANIFESTS, '--wait=false']);
    await plane.kubectl(['apply', '-k', MANIFESTS, '--dry-run=client']);
    const objects = readObjects(await plane.kubectl(['kustomize', MANIFESTS]));
    assert.ok(objects.every(({ metadata }) => !JSON.stringify(metadata).includes('helm')));
  });

  test('name the image once: gateways run what the operator runs', async () => {
    const folder = join(plane.folder, 'manifests');
    await cp(MANIFESTS, folder, { recursive: true });
    const file = join(folder, 'kustomization.yaml');
    const text = (await readFile(file, 'utf8')).replace('newName: firehose', 'newName: registry.example.com/firehose');
    await writeFile(file, text.replace('newTag: 0.1.0', 'newTag: 9.9.9'));
    const rendered = await plane.kubectl(['kustomize', folder]);
    assert.equal(rendered.split('registry.example.com/firehose:9.9.9').length - 1, 2);
    assert.match(rendered, /name: FIREHOSE_GATEWAY_IMAGE\n\s+value: registry\.example\.com\/firehose:9\.9\.9\n/);
    assert.doesNotMatch(rendered, /firehose:0\.1\.0/);
  });

  test('of Argo CD and Flux are what their own definitions ask for', async (context) => {
    const definitions = await foreignDefinitions(DEFINITIONS);
    if (definitions === null) {
      assert.equal(process.env['CI'], undefined, 'the definitions of Argo CD and Flux are not to be had here');
      return context.skip('the definitions of Argo CD and Flux are not to be had here');
    }
    for (const definition of definitions) await installCrd(plane, definition);
    for (const name of ['argocd', 'flux-system']) await plane.kubectl(['create', 'namespace', name]);
    const strict = ['apply', '--dry-run=server', '--validate=strict', '--warnings-as-errors', '-f'];
    for (const file of ['argo-cd/application.yaml', 'argo-cd/argocd-cm.yaml', 'flux/firehose.yaml']) {
      await plane.kubectl([...strict, `${GITOPS}${file}`]);
    }
  });
});

describe('Argo CD shows a FirehoseSource as', () => {
  const shown = (...conditions: readonly (readonly [type: string, status: string, reason: string])[]) =>
    argoHealth(tools.glua, {
      kind: 'FirehoseSource',
      metadata: { name: 'pbx', generation: 1 },
      status: {
        observedGeneration: 1,
        conditions: conditions.map(([type, status, reason]) => ({
          type,
          status,
          reason,
          message: `${type} ${reason}`,
        })),
      },
    });

  test('Progressing while it starts, Healthy when it listens, Degraded when a switch refuses it', () => {
    const starting = [
      ['Ready', 'False', 'Rolling'],
      ['SourceAvailable', 'False', 'Rolling'],
    ] as const;
    assert.equal(shown(...starting, ['Connected', 'Unknown', 'NoReport']).status, 'Progressing');
    const connecting = [
      ['Ready', 'False', 'Connecting'],
      ['SourceAvailable', 'True', 'Available'],
    ] as const;
    assert.equal(shown(...connecting, ['Connected', 'False', 'Connecting']).status, 'Progressing');
    assert.deepEqual(shown(...connecting, ['Connected', 'False', 'Credentials']), {
      status: 'Degraded',
      message: 'Credentials: Connected Credentials',
    });
    assert.equal(shown(['Ready', 'True', 'Publishing']).status, 'Healthy');
    assert.equal(shown(['Ready', 'True', 'Publishing'], ['Degraded', 'True', 'Unreachable']).status, 'Degraded');
    assert.equal(shown(['Ready', 'False', 'Suspended'], ['Suspended', 'True', 'Suspended']).status, 'Suspended');
    assert.equal(shown(['Ready', 'False', 'Invalid'], ['Stalled', 'True', 'Invalid']).status, 'Degraded');
  });
});

describe('Argo CD shows a resource as', () => {
  let platform: Platform;
  let operator: Operator;
  before(async () => {
    platform = await startPlatform();
    await platform.secrets(VOICE);
    operator = await runOperator(platform);
  });
  after(async () => {
    await operator[Symbol.asyncDispose]();
    await platform[Symbol.asyncDispose]();
  });

  const health = async (name: string) => argoHealth(tools.glua, await platform.fhs(name));
  const becomes = (name: string, wanted: string, message = /./): Promise<Health> =>
    until(`${name} is ${wanted}`, async () => {
      const seen = await health(name);
      return seen.status === wanted && message.test(seen.message) && seen;
    });

  test('Progressing until its gateways are there, then Healthy, Suspended while it is, and Progressing to its end', async () => {
    await platform.create('acme');
    assert.equal((await health('acme')).status, 'Progressing');
    await becomes('acme', 'Progressing', /Deployment has not been looked at/);
    await platform.markReady('acme');
    await becomes('acme', 'Healthy', /^Serving: /);
    await platform.patch('acme', { spec: { suspend: true } });
    await becomes('acme', 'Suspended', /suspend/);
    const live = (await platform.fhs('acme')) as { metadata: object };
    const going = { ...live, metadata: { ...live.metadata, deletionTimestamp: '2026-11-25T12:00:00Z' } };
    assert.deepEqual(argoHealth(tools.glua, going), { status: 'Progressing', message: 'being deleted' });
  });

  test('Progressing while what is said is of an older specification', async () => {
    const live = (await platform.fhs('acme')) as { metadata: object };
    const changed = { ...live, metadata: { ...live.metadata, generation: 99 } };
    assert.match(argoHealth(tools.glua, changed).message, /has not seen the last change/);
  });

  test('Degraded when a Secret is missing, with the words of the operator', async () => {
    await platform.create('lacking', { ...MINIMAL_SPEC, redis: { urlSecretRef: { name: 'nowhere' } } });
    await becomes('lacking', 'Degraded', /nowhere/);
  });

  test('Degraded when only a person can help', async () => {
    const path = `/api/v1/namespaces/${VOICE}/secrets`;
    await platform.plane.admin.must('POST', path, { metadata: { name: 'odd' }, stringData: { url: 'http://odd' } });
    await platform.create('odd', { ...MINIMAL_SPEC, redis: { urlSecretRef: { name: 'odd' } } });
    await becomes('odd', 'Degraded', /URL/);
  });

  test('and argocd-cm.yaml holds the same script', async () => {
    const { data } = parse(await readFile(`${GITOPS}argo-cd/argocd-cm.yaml`, 'utf8')) as { data: object };
    const script = await readFile(`${GITOPS}argo-cd/health.lua`, 'utf8');
    assert.deepEqual(data, {
      'resource.customizations.health.firehose.dev_FirehoseSubscription': script,
      'resource.customizations.health.firehose.dev_FirehoseSource': script,
    });
  });
});
