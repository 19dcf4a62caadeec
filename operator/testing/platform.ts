import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Condition, SubscriptionStatus } from '../../protocol/subscription/status.ts';
import { kubeconfig } from '../../testing/control-plane/kubeconfig.ts';
import { startControlPlane, type ControlPlane } from '../../testing/control-plane/control-plane.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import type { KubeObject } from '../kubernetes/objects.ts';
import { OWN_RULES, WATCHED_RULES } from '../role.ts';
import { sourceDefinition } from '../crd/definitions.ts';
import { installCrd } from './install-crd.ts';
import { GROUPED_SPEC, subscription } from './resources.ts';
import { until } from '../../testing/until.ts';

export const SYSTEM = 'firehose-system';
export const VOICE = 'voice';

/**
 * A cluster's control plane with the CRD and the operator's service account, and a Redis: the environment of a platform
 * team.
 */
export interface Platform extends AsyncDisposable {
  readonly plane: ControlPlane;
  readonly redis: RedisServer;
  /** Kubeconfig of the operator's service account; `server` when a proxy stands in between. */
  operatorKubeconfig(server?: string): Promise<string>;
  namespace(name: string): Promise<void>;
  /** The Secrets that the smallest resource names. */
  secrets(namespace: string, redisUrl?: string): Promise<void>;
  create(name: string, spec?: object, namespace?: string): Promise<void>;
  patch(name: string, patch: object, namespace?: string): Promise<void>;
  get(path: string): Promise<KubeObject | null>;
  fhs(name: string, namespace?: string): Promise<KubeObject | null>;
  status(name: string, namespace?: string): Promise<SubscriptionStatus>;
  condition(name: string, type: string, namespace?: string): Promise<Condition | undefined>;
  /** Reports the status that the Deployment's pods would cause: no kubelet runs. */
  markReady(name: string, namespace?: string, ready?: number): Promise<void>;
  events(namespace?: string): Promise<readonly { reason: string; message: string; type: string }[]>;
}

const MERGE = 'application/merge-patch+json';
const fhsPath = (namespace: string, name = '') =>
  `/apis/firehose.dev/v1alpha1/namespaces/${namespace}/firehosesubscriptions${name === '' ? '' : `/${name}`}`;
export const deploymentPath = (name: string, namespace = VOICE) =>
  `/apis/apps/v1/namespaces/${namespace}/deployments/${name}-gateway`;

export async function startPlatform(controllers: 'all' | 'without workloads' = 'without workloads'): Promise<Platform> {
  await using stack = new AsyncDisposableStack();
  const redis = stack.use(await startRedis());
  const plane = stack.use(await startControlPlane({ controllers }));
  const { admin } = plane;
  await installCrd(plane);
  await installCrd(plane, sourceDefinition());
  const made = new Set<string>();
  const namespace = async (name: string) => {
    if (made.has(name)) return;
    made.add(name);
    await admin.must('POST', '/api/v1/namespaces', { metadata: { name } });
  };
  await namespace(SYSTEM);
  await namespace(VOICE);
  const token = await createAccount(plane);
  const owned = stack.move();
  return {
    plane,
    redis,
    async operatorKubeconfig(server = plane.server) {
      const file = join(plane.folder, `operator-${Math.random().toString(36).slice(2)}.kubeconfig`);
      await writeFile(file, kubeconfig(server, plane.pki.authority.cert, { token }, SYSTEM));
      return file;
    },
    namespace,
    ...readers(plane),
    async secrets(space, redisUrl = redis.url) {
      await namespace(space);
      const secret = (name: string, stringData: object) =>
        admin.must('POST', `/api/v1/namespaces/${space}/secrets`, { metadata: { name }, stringData });
      await secret('firehose-redis', { url: redisUrl });
      await secret('acme-directory', { 'directory.yaml': 'accounts: []\nusers: []\n' });
    },
    async create(name, spec = GROUPED_SPEC, space = VOICE) {
      await admin.must('POST', fhsPath(space), subscription(name, spec, space));
    },
    async patch(name, patch, space = VOICE) {
      await admin.must('PATCH', fhsPath(space, name), patch, MERGE);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The present Deployment, and the status that its pods would cause. */
function readers({
  admin,
}: ControlPlane): Pick<Platform, 'get' | 'fhs' | 'status' | 'condition' | 'markReady' | 'events'> {
  const get = async (path: string) => {
    const answer = await admin.call('GET', path);
    return answer.status === 404 ? null : (answer.body as unknown as KubeObject);
  };
  const fhs = (name: string, space = VOICE) => get(fhsPath(space, name));
  const status = async (name: string, space = VOICE) =>
    ((await fhs(name, space))?.['status'] ?? {}) as SubscriptionStatus;
  return {
    get,
    fhs,
    status,
    condition: async (name, type, space) => (await status(name, space)).conditions?.find((one) => one.type === type),
    async markReady(name, space = VOICE, ready) {
      const path = deploymentPath(name, space);
      const live = await until(`the Deployment of ${name}`, () => get(path));
      const count = ready ?? (live['spec'] as { replicas: number }).replicas;
      const { generation } = live.metadata;
      const numbers = { replicas: count, updatedReplicas: count, readyReplicas: count, availableReplicas: count };
      await admin.must('PATCH', `${path}/status`, { status: { observedGeneration: generation, ...numbers } }, MERGE);
    },
    async events(space = VOICE) {
      const list = await admin.must('GET', `/api/v1/namespaces/${space}/events`);
      return list['items'] as { reason: string; message: string; type: string }[];
    },
  };
}

/** The account that the chart creates, with the role that the chart ships. Returns a token of it. */
async function createAccount({ admin }: ControlPlane): Promise<string> {
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const subjects = [{ kind: 'ServiceAccount', name: 'operator', namespace: SYSTEM }];
  const roleRef = (kind: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name: 'firehose-operator' });
  const metadata = { name: 'firehose-operator' };
  await admin.must('POST', `/api/v1/namespaces/${SYSTEM}/serviceaccounts`, { metadata: { name: 'operator' } });
  await admin.must('POST', `${rbac}/clusterroles`, { metadata, rules: WATCHED_RULES });
  await admin.must('POST', `${rbac}/clusterrolebindings`, { metadata, roleRef: roleRef('ClusterRole'), subjects });
  await admin.must('POST', `${rbac}/namespaces/${SYSTEM}/roles`, { metadata, rules: OWN_RULES });
  await admin.must('POST', `${rbac}/namespaces/${SYSTEM}/rolebindings`, {
    metadata,
    roleRef: roleRef('Role'),
    subjects,
  });
  const asked = await admin.must('POST', `/api/v1/namespaces/${SYSTEM}/serviceaccounts/operator/token`, {
    spec: { expirationSeconds: 86_400 },
  });
  return (asked['status'] as { token: string }).token;
}
