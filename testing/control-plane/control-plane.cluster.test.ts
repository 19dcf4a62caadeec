import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../until.ts';
import { startControlPlane } from './control-plane.ts';

test('a control plane comes up, speaks to kubectl, runs the controllers, and tells what it was asked', async () => {
  await using plane = await startControlPlane();
  const version = await plane.kubectl(['version', '-o', 'json']);
  assert.match(version, /"gitVersion": "v1\.3\d/);

  const made = await plane.admin.call('POST', '/api/v1/namespaces', { metadata: { name: 'voice' } });
  assert.equal(made.status, 201);
  // Only kube-controller-manager creates this one.
  const account = () => plane.admin.call('GET', '/api/v1/namespaces/voice/serviceaccounts/default');
  await until('its service account', async () => (await account()).status === 200);

  const asked = await until('the entry of the audit log', async () =>
    (await plane.audit()).find(({ verb, name }) => verb === 'create' && name === 'voice'),
  );
  assert.deepEqual([asked.user, asked.resource, asked.code], ['admin', 'namespaces', 201]);
});
