import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { buildOperator } from '../operator/build.ts';
import { readConfig } from '../operator/config.ts';
import { openConnection } from '../operator/kubernetes/connection.ts';
import { HURRY } from '../operator/testing/run-operator.ts';
import { MINIMAL_SPEC, subscription } from '../operator/testing/resources.ts';
import { until } from '../testing/until.ts';
import { silentLogger } from '../runtime/logging/logger.ts';
import { chartTools, type ChartTools } from '../testing/chart-tools.ts';
import { readObjects } from './testing/helm.ts';
import { startControlPlane, type ControlPlane } from '../testing/control-plane/control-plane.ts';
import { startRedis } from '../testing/redis-server.ts';
import { CHART } from './generated.ts';
import { accountKubeconfig, installation, SYSTEM, type Installation } from './testing/installed.ts';

const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/firehosesubscriptions.firehose.dev';
const FHS = `/apis/firehose.dev/v1alpha1/namespaces/${SYSTEM}/firehosesubscriptions`;
const DEPLOYMENT = `/apis/apps/v1/namespaces/${SYSTEM}/deployments/firehose-operator`;

let tools: ChartTools;
let plane: ControlPlane;
before(async () => {
  tools = await chartTools();
  plane = await startControlPlane({ controllers: 'without workloads' });
  await plane.admin.must('POST', '/api/v1/namespaces', { metadata: { name: SYSTEM } });
});
after(() => plane[Symbol.asyncDispose]());

const isThere = async (path: string) => (await plane.admin.call('GET', path)).status === 200;
const isGone = (path: string) => until(`${path} is gone`, async () => !(await isThere(path)));

/** Like an earlier version: an older CRD, without one field. */
async function previousChart(): Promise<string> {
  const folder = join(plane.folder, 'previous');
  await cp(CHART, folder, { recursive: true });
  const change = async (file: string, from: RegExp, to: string) => {
    const text = await readFile(join(folder, file), 'utf8');
    assert.match(text, from);
    await writeFile(join(folder, file), text.replace(from, to));
  };
  await change('Chart.yaml', /^version: .*$/m, 'version: 0.0.1');
  await change('templates/crds/firehosesubscriptions.yaml', /- fhs\n/, '- old\n');
  return folder;
}

const shortNames = async () => {
  const { spec } = (await plane.admin.must('GET', CRD)) as { spec: { names: { shortNames: string[] } } };
  return spec.names.shortNames;
};

for (const name of ['helm', 'helm3'] as const) {
  describe(`installed by ${name === 'helm' ? 'Helm 4' : 'Helm 3'}`, () => {
    let release: Installation;
    before(async () => {
      release = await installation(plane, tools[name]);
    });

    test('an upgrade brings the CRD along, and a rollback the old one', async () => {
      await release.put('install', {}, await previousChart());
      assert.deepEqual(await shortNames(), ['old']);
      await release.put('upgrade');
      assert.deepEqual(await shortNames(), ['fhs']);
      const { code, errors } = await release.run('rollback', 'firehose', '1');
      assert.equal(code, 0, errors);
      assert.deepEqual(await shortNames(), ['old']);
      await release.put('upgrade');
    });

    test('a second release in its namespace is refused', async () => {
      const { code, errors } = await release.run('install', 'other', CHART, '--set', 'crds.enabled=false');
      assert.notEqual(code, 0);
      assert.match(errors, /the release firehose is in this namespace already/);
    });

    test('what it prints leads to the first resource', async () => {
      const notes = await release.put('upgrade', { demo: { enabled: true } });
      for (const part of [
        'kubectl apply -f -',
        'wait --for=condition=Ready fhs/demo',
        'name: firehose-demo-directory',
      ]) {
        assert.ok(notes.includes(part), notes);
      }
      const manifest = /apply -f - <<'END'\n([\s\S]*?)\n {2}END/.exec(notes)?.[1] ?? '';
      await plane.kubectl(['apply', '--dry-run=server', '-f', '-'], manifest.replaceAll(/^ {2}/gm, ''));
      const withoutMetadata = (text: string) =>
        readObjects(text).map((object) => ({ ...object, metadata: { name: object.metadata.name } }));
      const kept = withoutMetadata(await readFile(join(CHART, '../demo.yaml'), 'utf8'));
      const printed = withoutMetadata(manifest.replaceAll(/^ {2}/gm, ''));
      assert.deepEqual(printed, kept, 'charts/demo.yaml has the resources that are printed');
      for (const secret of ['firehose-demo', 'firehose-demo-directory']) {
        assert.ok(await isThere(`/api/v1/namespaces/${SYSTEM}/secrets/${secret}`));
      }
      const policies = `/apis/networking.k8s.io/v1/namespaces/${SYSTEM}/networkpolicies`;
      const { spec } = await plane.admin.must('GET', `${policies}/firehose-demo-redis`);
      assert.deepEqual(
        (spec as { ingress: { from: unknown }[] }).ingress.map(({ from }) => from),
        [
          [
            {
              namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': SYSTEM } },
              podSelector: { matchLabels: { 'app.kubernetes.io/name': 'firehose' } },
            },
          ],
        ],
        'pods of other namespaces do not reach the demo Redis',
      );
      const password = async () => {
        const secret = await plane.admin.must('GET', `/api/v1/namespaces/${SYSTEM}/secrets/firehose-demo`);
        return (secret['data'] as { password: string }).password;
      };
      const generated = await password();
      assert.equal(Buffer.from(generated, 'base64').length, 32);
      await release.put('upgrade', { demo: { enabled: true }, operator: { workers: 4 } });
      assert.equal(await password(), generated, 'an upgrade keeps the password');
      await release.put('upgrade', { demo: { enabled: false } });
      assert.ok(!(await isThere(`/api/v1/namespaces/${SYSTEM}/secrets/firehose-demo`)));
    });

    test('it says when a Prometheus will not get in', async () => {
      const hint = /name its namespace in networkPolicy.fromNamespaces/;
      const gateway = { serviceMonitors: true };
      assert.match(await release.put('upgrade', { gateway }), hint);
      const known = { ...gateway, innerFromNamespaces: ['monitoring'] };
      assert.doesNotMatch(await release.put('upgrade', { gateway: known }), hint);
    });

    test('uninstalling is refused while there is a resource, names it, and leaves all as it was', async () => {
      await plane.admin.must('POST', FHS, subscription('acme', MINIMAL_SPEC, SYSTEM));
      const { code, job } = await release.uninstall();
      assert.notEqual(code, 0);
      assert.match(
        job,
        /^Firehose is not uninstalled: 1 FirehoseSubscription still exists \(firehose-system\/acme\)\. Delete them first/m,
      );
      assert.ok((await isThere(DEPLOYMENT)) && (await isThere(`${FHS}/acme`)));
      await plane.admin.must('DELETE', `${FHS}/acme`);
      await isGone(`${FHS}/acme`);
    });

    test('without resources it goes, and the CRD stays for those of others', async () => {
      const { code, errors, job } = await release.uninstall();
      assert.equal(code, 0, errors + job);
      assert.ok(!(await isThere(DEPLOYMENT)));
      assert.ok(await isThere(CRD));
      const { items } = await plane.admin.must('GET', `/apis/rbac.authorization.k8s.io/v1/clusterroles`);
      const left = (items as { metadata: { name: string } }[]).filter((one) => one.metadata.name.includes('firehose'));
      assert.deepEqual(left, []);
    });

    test('a release of another name is refused the CRD that is there, but for --take-ownership', async () => {
      const refused = await release.run('install', 'other', CHART);
      assert.notEqual(refused.code, 0);
      assert.match(refused.errors, /firehose(sources|subscriptions)\.firehose\.dev.*must equal "other"/);
      const { code, errors } = await release.run('install', 'other', CHART, '--take-ownership');
      assert.equal(code, 0, errors);
      assert.equal((await release.run('uninstall', 'other', '--no-hooks')).code, 0);
      assert.ok(await isThere(CRD));
    });

    test('installed again it takes over the CRD; with crds.keep=false that goes as well', async () => {
      const { code: installed, errors: said } = await release.run(
        'install',
        'firehose',
        CHART,
        '--take-ownership',
        '--set',
        'crds.keep=false',
      );
      assert.equal(installed, 0, said);
      const { code, errors, job } = await release.uninstall();
      assert.equal(code, 0, errors + job);
      await isGone(CRD);
    });
  });
}

test("the operator works in the chart's role and the demo's Redis user, and uninstalling waits for it", async () => {
  const values = { crds: { keep: false }, uninstall: { subscriptions: 'Delete' } };
  const release = await installation(plane, tools.helm);
  await release.put('install', values);
  const users = (await readFile(`${CHART}files/demo-users.acl`, 'utf8')).replaceAll('PASSWORD', 'secret');
  await using redis = await startRedis({
    users: users.split('\n').flatMap((line) => (line.startsWith('user firehose ') ? [line.slice('user '.length)] : [])),
  });
  const secret = (name: string, stringData: object) =>
    plane.admin.must('POST', `/api/v1/namespaces/${SYSTEM}/secrets`, { metadata: { name }, stringData });
  await secret('firehose-redis', { url: redis.url.replace('redis://', 'redis://firehose:secret@') });
  await secret('acme-directory', { 'directory.yaml': await readFile(`${CHART}files/demo-directory.yaml`, 'utf8') });

  interface Rendered {
    readonly spec: { template: { spec: { containers: { env: { name: string; value?: string }[] }[] } } };
  }
  const { spec } = (await plane.admin.must('GET', DEPLOYMENT)) as unknown as Rendered;
  const env = spec.template.spec.containers[0]?.env.map(({ name, value = '' }) => [name, value]) ?? [];
  const local = { FIREHOSE_OPERATOR_HOST: '127.0.0.1', FIREHOSE_OPERATOR_PORT: '0' };
  await using operator = await buildOperator({
    config: readConfig({ ...Object.fromEntries(env), ...local }, randomBytes(4).toString('hex')),
    connection: openConnection(await accountKubeconfig(plane, 'firehose-operator')),
    logger: silentLogger,
    timings: HURRY,
  });
  await until('the operator leads', async () => operator.isLeader);
  await plane.admin.must('POST', FHS, subscription('acme', MINIMAL_SPEC, SYSTEM));
  const condition = async (type: string) => {
    const { status = {} } = (await plane.admin.must('GET', `${FHS}/acme`)) as {
      status?: { conditions?: { type: string; status: string }[] };
    };
    return status.conditions?.find((one) => one.type === type)?.status;
  };
  for (const type of ['RedisConnected', 'ConsumerGroupsReady', 'SigningKeysReady', 'ReferencesResolved']) {
    await until(type, async () => (await condition(type)) === 'True');
  }
  // Owners of a new kind are refused for a moment, whatever the role says: only rights that are never granted count.
  const refused = async (account: string) => {
    const user = `system:serviceaccount:${SYSTEM}:firehose-${account}`;
    const own = (await plane.audit()).filter((entry) => entry.user === user);
    const allowed = own.filter(({ code }) => code < 300).map(({ verb, resource }) => `${verb} ${resource}`);
    const denied = own.filter(({ code }) => code === 403).map(({ verb, resource }) => `${verb} ${resource}`);
    return denied.filter((what) => !allowed.includes(what));
  };
  // What was refused for a moment is asked for again.
  const isNone = { holds: (seen: readonly string[]) => seen.length === 0 };
  await until('nothing refused to the operator for good', () => refused('operator'), isNone);
  const { code, errors, job } = await release.uninstall();
  assert.equal(code, 0, errors + job);
  assert.match(job, /deleting firehose-system\/acme/);
  await isGone(CRD);
  await until('nothing refused to the uninstallation for good', () => refused('uninstall'), isNone);
});
