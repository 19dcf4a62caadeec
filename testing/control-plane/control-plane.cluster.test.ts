import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startControlPlane } from './control-plane.ts';

test('a control plane comes up, speaks to kubectl, runs the controllers, and tells what it was asked', async () => {
  await using plane = await startControlPlane();
  const version = await plane.kubectl(['version', '-o', 'json']);
  assert.match(version, /"gitVersion": "v1\.3\d/);

  const made = await plane.admin.call('POST', '/api/v1/namespaces', { metadata: { name: 'voice' } });
  assert.equal(made.status, 201);
  // Only kube-controller-manager creates this one.
  let account = await plane.admin.call('GET', '/api/v1/namespaces/voice/serviceaccounts/default');
  while (account.status === 404)
    account = await plane.admin.call('GET', '/api/v1/namespaces/voice/serviceaccounts/default');
  assert.equal(account.status, 200);

  const asked = (await plane.audit()).find(({ verb, name }) => verb === 'create' && name === 'voice');
  assert.ok(asked);
  assert.deepEqual([asked.user, asked.resource, asked.code], ['admin', 'namespaces', 201]);
});
