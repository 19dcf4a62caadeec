import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCluster } from './cluster.ts';
import { loadImages } from './images.ts';
import { until } from '../../testing/until.ts';

const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'gateway', labels: { app: 'gateway' } },
  spec: {
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'gateway',
        args: ['gateway'],
        env: [
          { name: 'FIREHOSE_STATE', value: '/var/lib/firehose' },
          { name: 'FIREHOSE_INNER_HOST', value: '::' },
        ],
        readinessProbe: { httpGet: { path: '/readyz', port: 9090 }, periodSeconds: 1 },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        volumeMounts: [{ name: 'state', mountPath: '/var/lib/firehose' }],
      },
    ],
    volumes: [{ name: 'state', emptyDir: {} }],
  },
};

test('a cluster comes up, and a pod of the image serves through a Service by its name', async () => {
  const start = performance.now();
  await using cluster = await startCluster({ nodes: 1 });
  console.log(`the cluster is up after ${Math.round(performance.now() - start)} ms`);
  const { firehose: image } = await loadImages(cluster);
  console.log(`the image is on its node after ${Math.round(performance.now() - start)} ms`);
  const { plane } = cluster;
  await plane.admin.must(
    'PATCH',
    '/api/v1/namespaces/default',
    {
      metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    },
    'application/merge-patch+json',
  );
  const containers = POD.spec.containers.map((container) => ({ ...container, image }));
  await plane.kubectl(['apply', '-f', '-'], JSON.stringify({ ...POD, spec: { ...POD.spec, containers } }));
  await plane.kubectl(['expose', 'pod', 'gateway', '--port=9090']);
  await plane.kubectl(['wait', '--for=condition=Ready', 'pod/gateway', '--timeout=120s']);
  // A Service gets a ready pod a moment later.
  await until('the Service', async () => (await fetch('http://gateway.default.svc:9090/readyz')).ok);
  const logs = await plane.kubectl(['logs', 'gateway']);
  assert.match(logs, /"msg":"listening"/);
  console.log(`the pod serves after ${Math.round(performance.now() - start)} ms`);
});
