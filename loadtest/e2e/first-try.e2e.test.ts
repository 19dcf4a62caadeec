import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openCluster, ROOT, say, type Installed } from './installed.ts';

/** As in docs/kubernetes.md. */
const NAMESPACE = 'firehose';
const KINDS = 'all,configmaps,secrets,networkpolicies,poddisruptionbudgets,serviceaccounts,roles,rolebindings,leases';

describe('a first try on a cluster that has nothing', () => {
  let installed: Installed;

  before(async () => {
    installed = await openCluster();
  });

  after(async () => {
    await installed?.[Symbol.asyncDispose]();
  });

  test('the five commands of docs/kubernetes.md, as they stand there, end in a stream of events', async () => {
    const page = await readFile(join(ROOT, 'docs/kubernetes.md'), 'utf8');
    const [, commands = ''] = /```sh\n(helm install [\s\S]*?)```/.exec(page) ?? [];
    assert.match(commands, /demo\.enabled=true/);
    const start = performance.now();
    await installed.bash(commands, /"Event-Name":"CHANNEL_\w+"[\s\S]*"Event-Name":"CHANNEL_\w+"/);
    say('events flow', start);
  });

  test('helm test passes, and nothing was refused', async () => {
    await installed.helm('test', '-n', NAMESPACE, 'firehose');
    assert.deepEqual(await installed.refusals(NAMESPACE), []);
  });

  test('uninstalling is refused while a resource is there, and leaves nothing behind when it is not', async () => {
    const { helm, kubectl } = installed;
    await assert.rejects(helm('uninstall', '-n', NAMESPACE, 'firehose'), /firehose\/demo/);
    const start = performance.now();
    await kubectl('delete', '-n', NAMESPACE, 'fhs/demo', 'fhsrc/demo', '--timeout=120s');
    say('the resources are deleted', start);
    await helm('uninstall', '-n', NAMESPACE, 'firehose', '--wait', '--timeout=120s');
    say('the release is uninstalled', start);
    await kubectl('wait', '-n', NAMESPACE, '--for=delete', 'pods', '--all', '--timeout=120s');
    const left = (await kubectl('get', '-n', NAMESPACE, KINDS, '-o', 'name')).trim().split('\n').sort();
    assert.deepEqual(left, [
      'configmap/kube-root-ca.crt',
      // A Lease has no owner: it outlives its holders, here and elsewhere.
      'lease.coordination.k8s.io/firehose-operator',
      'serviceaccount/default',
    ]);
    const cluster = await kubectl('get', 'clusterroles,clusterrolebindings', '-o', 'name');
    assert.doesNotMatch(cluster, new RegExp(`${NAMESPACE}:firehose`));
  });
});
