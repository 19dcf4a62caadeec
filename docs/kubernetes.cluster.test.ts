import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { chartTools } from '../testing/chart-tools.ts';
import { startControlPlane, type ControlPlane } from '../testing/control-plane/control-plane.ts';
import { startRedis, type RedisServer } from '../testing/redis-server.ts';
import { snippet } from './testing/snippets.ts';
import { openWorkplace, type Workplace } from './testing/workplace.ts';

const LIMIT = { timeout: 110_000 };

interface Container {
  readonly env: readonly { readonly name: string; readonly value?: string }[];
}

/**
 * The commands of a production installation, unchanged, against a real API server. No kubelet runs there, so the
 * operator is started here with the environment of its Deployment, and nothing waits for a pod.
 */
describe('the production installation of the documentation', () => {
  let plane: ControlPlane;
  let redis: RedisServer;
  let workplace: Workplace;
  let path: string;
  before(async () => {
    const { helm } = await chartTools();
    redis = await startRedis();
    plane = await startControlPlane({ controllers: 'without workloads' });
    workplace = await openWorkplace();
    await workplace.write('acme.yaml', snippet('resource'));
    await workplace.write('directory.yaml', snippet('directory'));
    path = `${join(workplace.folder, 'bin')}:${process.env['PATH']}`;
    const kubectl = `#!/bin/sh\nexec ${plane.kubectlProgram} "$@"\n`;
    await workplace.prints('mkdir bin && echo made', /made/);
    await workplace.write('bin/kubectl', kubectl);
    await workplace.prints(`chmod +x bin/kubectl && ln -s ${helm} bin/helm && echo made`, /made/);
  });
  after(async () => {
    await workplace?.[Symbol.asyncDispose]();
    await plane?.[Symbol.asyncDispose]();
    await redis?.[Symbol.asyncDispose]();
  });

  const environment = () => ({ KUBECONFIG: plane.kubeconfig, PATH: path });

  test('its commands succeed, and the operator that they install sees the resource', LIMIT, async () => {
    const commands = snippet('production')
      .replace(' --wait\n', '\n')
      .replace('redis://USER:PASSWORD@HOST:6379/0', redis.url)
      .replace(/kubectl wait .*\n/, '');
    const { output } = await workplace.prints(`${commands}\necho all done`, /all done/, environment());
    assert.match(output, /firehosesubscription.*acme.*created/);
    const settings = await operatorSettings();
    assert.equal(settings['FIREHOSE_WATCH_NAMESPACES'], 'voice');
    const local = { FIREHOSE_OPERATOR_HOST: '127.0.0.1', FIREHOSE_OPERATOR_PORT: '0' };
    const operator = 'exec node_modules/.bin/node cli/firehose.ts operator';
    await using _ = await workplace.starts(operator, /this process is the leader/, {
      ...environment(),
      ...settings,
      ...local,
    });
    await workplace.prints(
      'until kubectl get --namespace voice deployment/acme-gateway 2>/dev/null; do sleep 0.2; done',
      /acme-gateway/,
      environment(),
    );
  });

  test('the operator runs outside of a cluster by the command of the documentation', LIMIT, async () => {
    const command = snippet('operator').replace('KUBECONFIG=... ', '');
    const ports = { FIREHOSE_OPERATOR_HOST: '127.0.0.1', FIREHOSE_OPERATOR_PORT: '0' };
    await workplace.prints(command, /following the API server/, { ...environment(), ...ports });
  });

  async function operatorSettings(): Promise<Record<string, string>> {
    const deployment = await plane.admin.must('GET', '/apis/apps/v1/namespaces/firehose/deployments/firehose-operator');
    const { spec } = deployment as unknown as { spec: { template: { spec: { containers: Container[] } } } };
    const [container] = spec.template.spec.containers;
    return Object.fromEntries(
      (container?.env ?? []).flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
    );
  }
});
