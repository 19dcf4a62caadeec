import { encodeSourceReport, reportField, type SourceReport } from '../../protocol/source-report.ts';
import { sourceKeys } from '../../protocol/keys.ts';
import type { SourceStatus } from '../../protocol/source-spec/status.ts';
import type { Condition } from '../../protocol/subscription/status.ts';
import { until } from '../../testing/until.ts';
import type { KubeObject } from '../kubernetes/objects.ts';
import { VOICE, type Platform } from './platform.ts';
import { source } from './sources.ts';

const MERGE = 'application/merge-patch+json';
const path = (namespace: string, name = '') =>
  `/apis/firehose.dev/v1alpha1/namespaces/${namespace}/firehosesources${name === '' ? '' : `/${name}`}`;
export const workloadPath = (name: string) => `/apis/apps/v1/namespaces/${VOICE}/deployments/${name}-source`;

/** Sources of one platform, in its namespace. */
export interface Sources {
  create(name: string, spec?: object): Promise<void>;
  patch(name: string, patch: object): Promise<void>;
  remove(name: string): Promise<void>;
  get(name: string): Promise<KubeObject | null>;
  status(name: string): Promise<SourceStatus>;
  condition(name: string, type: string): Promise<Condition | undefined>;
  /** Waits until the condition has this value. */
  is(name: string, type: string, holds: (condition: Condition) => boolean): Promise<Condition>;
  secret(name: string, data: Readonly<Record<string, string>>): Promise<void>;
  /** The status that ready pods would cause: no kubelet runs. */
  markReady(name: string): Promise<void>;
}

export function sourcesOf(platform: Platform): Sources {
  const { admin } = platform.plane;
  const get = async (name: string) => platform.get(path(VOICE, name));
  const status = async (name: string) => ((await get(name))?.['status'] ?? {}) as SourceStatus;
  const condition = async (name: string, type: string) =>
    (await status(name)).conditions?.find((one) => one.type === type);
  return {
    create: async (name, spec) => void (await admin.must('POST', path(VOICE), source(name, spec, VOICE))),
    patch: async (name, patch) => void (await admin.must('PATCH', path(VOICE, name), patch, MERGE)),
    remove: async (name) => void (await admin.must('DELETE', path(VOICE, name))),
    get,
    status,
    condition,
    is: (name, type, holds) =>
      until(`${type} of ${name}`, async () => {
        const found = await condition(name, type);
        return found !== undefined && holds(found) ? found : null;
      }),
    async secret(name, stringData) {
      await admin.must('POST', `/api/v1/namespaces/${VOICE}/secrets`, { metadata: { name }, stringData });
    },
    async markReady(name) {
      const live = await until(`the Deployment of ${name}`, () => platform.get(workloadPath(name)));
      const { replicas } = live['spec'] as { replicas: number };
      const numbers = { replicas, updatedReplicas: replicas, readyReplicas: replicas, availableReplicas: replicas };
      const body = { status: { observedGeneration: live.metadata.generation, ...numbers } };
      await admin.must('PATCH', `${workloadPath(name)}/status`, body, MERGE);
    },
  };
}

const SINCE = Date.now() - 60_000;

/** A report of a replica, as a source writes it. */
export function reportOf(name: string, replica: string, endpoint: string, report: Partial<SourceReport> = {}) {
  const full = {
    state: 'Live' as const,
    since: SINCE,
    reason: '',
    instance: '83ca7152',
    heard: null,
    leading: false,
    bound: null,
    at: Date.now(),
    ...report,
  };
  const { reports } = sourceKeys('firehose:', `${VOICE}/${name}`);
  return { key: reports, field: reportField(replica, endpoint), text: encodeSourceReport(full) };
}
