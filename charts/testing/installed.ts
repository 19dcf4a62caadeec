import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { until } from '../../testing/until.ts';
import type { ControlPlane } from '../../testing/control-plane/control-plane.ts';
import { kubeconfig } from '../../testing/control-plane/kubeconfig.ts';
import { CHART } from '../generated.ts';
import { helm, type HelmAnswer } from './helm.ts';

const PROGRAM = fileURLToPath(new URL('../../cli/firehose.ts', import.meta.url));
export const SYSTEM = 'firehose-system';

/** A cluster's control plane with a namespace, and Helm for it. */
export interface Installation {
  readonly plane: ControlPlane;
  run(...args: string[]): Promise<HelmAnswer>;
  /** `install` or `upgrade` of the release `firehose`; fails with Helm's output. */
  put(verb: 'install' | 'upgrade', values?: object, chart?: string): Promise<string>;
  /** `helm uninstall`, with the pod of its Job run by this machine. */
  uninstall(): Promise<HelmAnswer & { readonly job: string }>;
}

export async function installation(plane: ControlPlane, program: string): Promise<Installation> {
  const general = ['--kubeconfig', plane.kubeconfig, '--namespace', SYSTEM];
  const run = (...args: string[]) => helm(program, [...args, ...general]);
  return {
    plane,
    run,
    async put(verb, values = {}, chart = CHART) {
      const { code, output, errors } = await helm(program, [verb, 'firehose', chart, ...general], values);
      if (code !== 0) throw new Error(errors);
      return output;
    },
    async uninstall() {
      const done = new AbortController();
      const job = playKubelet(plane, done.signal);
      const answer = await run('uninstall', 'firehose', '--timeout', '60s');
      done.abort();
      return { ...answer, job: await job };
    },
  };
}

/** A kubeconfig of a service account of the release, written beside the control plane's own. */
export async function accountKubeconfig(plane: ControlPlane, account: string): Promise<string> {
  const path = `/api/v1/namespaces/${SYSTEM}/serviceaccounts/${account}/token`;
  const asked = await plane.admin.must('POST', path, { spec: { expirationSeconds: 86_400 } });
  const { token } = asked['status'] as { token: string };
  const file = join(plane.folder, `${account}.kubeconfig`);
  await writeFile(file, kubeconfig(plane.server, plane.pki.authority.cert, { token }, SYSTEM));
  return file;
}

interface Pod {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly phase?: string };
  readonly spec: {
    readonly serviceAccountName: string;
    readonly containers: readonly {
      readonly args: readonly string[];
      readonly env: readonly { readonly name: string; readonly value?: string }[];
    }[];
  };
}

/** Runs the pod of the Job as a process under its service account, and reports how it ended. Returns its output. */
async function playKubelet({ admin, ...plane }: ControlPlane, signal: AbortSignal): Promise<string> {
  const pods = `/api/v1/namespaces/${SYSTEM}/pods`;
  const pod = await until('the pod of the Job', async () => {
    if (signal.aborted) return 'none';
    const { items } = await admin.must('GET', `${pods}?labelSelector=batch.kubernetes.io/job-name`);
    // A Job from an earlier attempt is finished.
    return (items as Pod[]).find(({ status }) => status?.phase === 'Pending');
  });
  const [container] = pod === 'none' ? [] : pod.spec.containers;
  if (pod === 'none' || container === undefined) return '';
  const file = await accountKubeconfig({ admin, ...plane }, pod.spec.serviceAccountName);
  const given = Object.fromEntries(container.env.map(({ name, value = '' }) => [name, value]));
  const child = spawn(process.execPath, [PROGRAM, ...container.args], {
    env: { ...given, KUBECONFIG: file },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = once(child, 'exit') as Promise<[number | null]>;
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  await rm(file);
  const status = { phase: code === 0 ? 'Succeeded' : 'Failed' };
  await admin.must('PATCH', `${pods}/${pod.metadata.name}/status`, { status }, 'application/merge-patch+json');
  return output + errors;
}
