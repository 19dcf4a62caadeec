import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TREE, directoryOf } from '../faults/setup.ts';
import { Producer } from '../faults/producer.ts';
import type { Entrance } from './client.ts';
import { Fleet } from './fleet.ts';
import { CHART, openCluster, say, SYSTEM, type Installed } from './installed.ts';

export const VOICE = 'voice';
/** The resource that carries the load. */
export const NAME = 'acme';
export const REPLICAS = 3;
export const DRAIN_S = 20;
const INGEST_TOKEN = 'an-ingest-token-of-the-end-to-end-tests';
/** These labels distinguish its own pods from all others. */
const SELECTOR = `app.kubernetes.io/instance=${NAME},app.kubernetes.io/component=gateway`;

/** An installed operator, a Redis, and one resource with gateways, producer and clients. */
export interface Platform extends AsyncDisposable {
  readonly installed: Installed;
  readonly producer: Producer;
  readonly fleet: Fleet;
  /** Names of the running gateways' pods; without terminating ones. */
  readonly gateways: () => Promise<readonly Gateway[]>;
  /** Waits until all gateways have the last revision, and the earlier ones are gone. */
  readonly rolledOut: () => Promise<void>;
}

interface Gateway {
  readonly name: string;
  readonly uid: string;
  readonly node: string;
  readonly restarts: number;
  readonly isReady: boolean;
}

export async function openPlatform(clients: number, rate: number): Promise<Platform> {
  await using stack = new AsyncDisposableStack();
  const installed = stack.use(await openCluster());
  const { cluster, images, apply, namespace, helm, kubectl } = installed;
  const start = performance.now();
  await namespace(SYSTEM);
  await namespace(VOICE);
  // The gateways' image is named, so that an update of the operator changes only the operator.
  const values = [
    `watchNamespaces={${VOICE}}`,
    `gateway.image=${images.firehose}`,
    // Prerequisites of the fullest resource.
    'allow.serviceTypes={NodePort}',
    'allow.labelPrefixes={team}',
    'allow.hostSuffixes={calls.example.com}',
  ];
  await helm('install', 'firehose', CHART, '-n', SYSTEM, '--wait', ...values.flatMap((value) => ['--set', value]));
  say('the operator is installed', start);
  await apply(...redisObjects(images.redis), ...secrets());
  await kubectl('-n', VOICE, 'rollout', 'status', 'deployment/redis', '--timeout=120s');
  await apply(resource(NAME, { gateway: { replicas: REPLICAS, connections: { drainTimeout: `${DRAIN_S}s` } } }));
  await becomesReady(installed, NAME);
  say(`the resource is Ready, with ${REPLICAS} gateways,`, start);
  const entrance = await entranceOf(installed);
  const stateFolder = join(cluster.folder, 'producer');
  await mkdir(stateFolder, { recursive: true });
  await writeFile(join(stateFolder, 'ingest-token'), INGEST_TOKEN);
  const inner = `${NAME}-inner.${VOICE}.svc:9090`;
  const producer = new Producer({ replicas: [{ isUp: true, inner }], stateFolder, rate });
  const fleet = stack.use(await Fleet.connect(entrance, clients));
  say(`${clients} clients are connected`, start);
  producer.start();
  stack.defer(() => producer.stop());
  const owned = stack.move();
  return {
    installed,
    producer,
    fleet,
    gateways: () => gateways(installed),
    rolledOut: () => rolledOut(installed),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A resource in the namespace of the tests, with an ingest endpoint. */
function resource(name: string, spec: object): object {
  return {
    apiVersion: 'firehose.dev/v1alpha1',
    kind: 'FirehoseSubscription',
    metadata: { name, namespace: VOICE },
    spec: {
      account: { id: 'root' },
      redis: { urlSecretRef: { name: 'firehose-redis' } },
      auth: { directory: { secretRef: { name: 'acme-directory' } } },
      ingest: { tokenSecretRef: { name: 'acme-ingest' } },
      ...spec,
    },
  };
}

/** Rejects with the status of the resource when it does not become Ready. */
export async function becomesReady({ kubectl }: Installed, name: string): Promise<void> {
  try {
    await kubectl('-n', VOICE, 'wait', '--for=condition=Ready', `fhs/${name}`, '--timeout=180s');
  } catch (error) {
    const says = await kubectl('-n', VOICE, 'get', `fhs/${name}`, '-o', 'jsonpath={.status.conditions}');
    const pods = await kubectl('-n', VOICE, 'get', 'pods', '-o', 'wide');
    throw new Error(`${name} does not become Ready: ${says}\n${pods}`, { cause: error });
  }
}

/** The Service's name in the cluster, and the authority that the operator created for it. */
export async function entranceOf({ kubectl }: Installed, name = NAME): Promise<Entrance> {
  const path = String.raw`jsonpath={.data.ca\.crt}`;
  const ca = Buffer.from(await kubectl('-n', VOICE, 'get', 'secret', `${name}-tls`, '-o', path), 'base64').toString();
  return { host: `${name}.${VOICE}.svc:9443`, ca };
}

function secrets(): object[] {
  const secret = (name: string, stringData: object) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: VOICE },
    stringData,
  });
  return [
    secret('firehose-redis', { url: `redis://redis.${VOICE}.svc:6379` }),
    secret('acme-directory', { 'directory.yaml': JSON.stringify(directoryOf(TREE)) }),
    secret('acme-ingest', { token: INGEST_TOKEN }),
  ];
}

/** On the second node, which is never drained here: this test is not about the loss of a Redis. */
function redisObjects(image: string): object[] {
  const metadata = { name: 'redis', namespace: VOICE };
  const labels = { app: 'redis' };
  const securityContext = { runAsNonRoot: true, runAsUser: 999, seccompProfile: { type: 'RuntimeDefault' } };
  const container = {
    name: 'redis',
    image,
    args: ['redis-server', '--save', '', '--appendonly', 'no', '--dir', '/tmp', '--protected-mode', 'no'],
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    volumeMounts: [{ name: 'data', mountPath: '/tmp' }],
  };
  const nodeSelector = { 'kubernetes.io/hostname': 'node-2' };
  const spec = { nodeSelector, securityContext, containers: [container], volumes: [{ name: 'data', emptyDir: {} }] };
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    },
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: labels, ports: [{ port: 6379 }] } },
  ];
}

interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly containerStatuses?: readonly { readonly restartCount: number; readonly ready: boolean }[];
  };
}

async function gateways({ kubectl }: Installed): Promise<Gateway[]> {
  const list = JSON.parse(await kubectl('-n', VOICE, 'get', 'pods', '-l', SELECTOR, '-o', 'json')) as { items: Pod[] };
  return list.items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata, spec, status }) => ({
      name: metadata.name,
      uid: metadata.uid,
      node: spec.nodeName ?? '',
      restarts: status.containerStatuses?.[0]?.restartCount ?? 0,
      isReady: status.containerStatuses?.[0]?.ready ?? false,
    }));
}

async function rolledOut({ kubectl }: Installed): Promise<void> {
  await kubectl('-n', VOICE, 'rollout', 'status', `deployment/${NAME}-gateway`, '--timeout=240s');
  const all = await kubectl('-n', VOICE, 'get', 'pods', '-l', SELECTOR, '-o', 'json');
  const leaving = (JSON.parse(all) as { items: Pod[] }).items.filter(
    (pod) => pod.metadata.deletionTimestamp !== undefined,
  );
  for (const { metadata } of leaving) {
    await kubectl('-n', VOICE, 'wait', '--for=delete', `pod/${metadata.name}`, '--timeout=240s');
  }
}
