import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startControlPlane, type ControlPlane } from '../../testing/control-plane/control-plane.ts';
import { createApi } from '../kubernetes/api.ts';
import { openConnection } from '../kubernetes/connection.ts';
import { installCrd } from '../testing/install-crd.ts';
import { MINIMAL_SPEC, subscription } from '../testing/resources.ts';
import { uninstall, type UninstallOptions } from './uninstall.ts';

const PROGRAM = fileURLToPath(new URL('../../cli/firehose.ts', import.meta.url));
const path = (namespace: string) => `/apis/firehose.dev/v1alpha1/namespaces/${namespace}/firehosesubscriptions`;

describe('before the operator goes', () => {
  let plane: ControlPlane;
  const stop = new AbortController();
  before(async () => {
    plane = await startControlPlane({ controllers: 'none' });
  });
  after(async () => {
    stop.abort();
    await plane[Symbol.asyncDispose]();
  });

  const look = (options: Partial<UninstallOptions> = {}) =>
    uninstall({
      api: createApi({ connection: openConnection(plane.kubeconfig), signal: stop.signal }),
      namespaces: ['voice'],
      subscriptions: 'Refuse',
      crdGoes: false,
      timeoutMs: 30_000,
      signal: stop.signal,
      say: () => undefined,
      ...options,
    });

  test('nothing is in the way where the CRD is gone, or where there is no resource', async () => {
    assert.deepEqual(await look(), { kind: 'clear' });
    await installCrd(plane);
    assert.deepEqual(await look({ namespaces: null, crdGoes: true }), { kind: 'clear' });
  });

  test('resources of its namespaces refuse; those of others do when the CRD would take them along', async () => {
    for (const namespace of ['voice', 'billing']) {
      await plane.admin.must('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
      await plane.admin.must('POST', path(namespace), subscription('acme', MINIMAL_SPEC, namespace));
    }
    assert.deepEqual(await look(), { kind: 'refused', left: ['voice/acme'] });
    assert.deepEqual(await look({ namespaces: null }), { kind: 'refused', left: ['billing/acme', 'voice/acme'] });
    const foreign = { kind: 'foreign', left: ['billing/acme'] };
    assert.deepEqual(await look({ subscriptions: 'Delete', crdGoes: true }), foreign);
    assert.deepEqual(await look({ namespaces: ['nowhere'] }), { kind: 'clear' });
  });

  test('a resource that nobody lets go is named once the time is over, and others are deleted', async () => {
    const held = subscription('held', MINIMAL_SPEC, 'voice');
    await plane.admin.must('POST', path('voice'), {
      ...held,
      metadata: { ...held.metadata, finalizers: ['firehose.dev/redis-cleanup'] },
    });
    const said: string[] = [];
    const outcome = await look({ subscriptions: 'Delete', timeoutMs: 8_000, say: (line) => said.push(line) });
    assert.deepEqual(outcome, { kind: 'unfinished', left: ['voice/held'] });
    assert.deepEqual(said.sort(), ['deleting voice/acme', 'deleting voice/held']);
    assert.equal((await plane.admin.call('GET', `${path('billing')}/acme`)).status, 200);
  });

  test('as a process: what is in the way is exit code 1, a wrong setting 2', () => {
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [PROGRAM, 'uninstall', ...args], {
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], KUBECONFIG: plane.kubeconfig },
      });
    const refused = run('--watch-namespaces', 'billing');
    assert.equal(refused.status, 1, refused.stdout + refused.stderr);
    assert.match(
      refused.stdout,
      /^Firehose is not uninstalled: 1 FirehoseSubscription still exists \(billing\/acme\)\. Delete/m,
    );
    assert.doesNotMatch(refused.stdout.trim().split('\n').at(-1) ?? '', /[{}]/);
    const wrong = run('--watch-namespaces', 'A B', '--subscriptions', 'Keep', '--timeout-seconds', 'long');
    assert.equal(wrong.status, 2);
    for (const fault of ['FIREHOSE_WATCH_NAMESPACES', 'FIREHOSE_SUBSCRIPTIONS', 'FIREHOSE_TIMEOUT_SECONDS']) {
      assert.ok(wrong.stdout.includes(fault), wrong.stdout);
    }
    assert.equal(run('--watch-namespaces', 'nowhere').status, 0);
  });
});
