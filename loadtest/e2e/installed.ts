import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startCluster, type Cluster } from '../../testing/cluster/cluster.ts';
import { loadImages, type ChartImages } from '../../testing/cluster/images.ts';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const CHART = join(ROOT, 'charts/firehose');
export const SYSTEM = 'firehose-system';
/** Another name of the same image, for an update of only the operator. */
export const NEXT_TAG = 'next';

const COMMAND_LIMIT_MS = 300_000;

/** A cluster that has only the images, and the commands of its administrators. */
export interface Installed extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly images: ChartImages;
  readonly kubectl: (...args: readonly string[]) => Promise<string>;
  readonly helm: (...args: readonly string[]) => Promise<string>;
  readonly apply: (...objects: readonly object[]) => Promise<void>;
  /** A namespace in which only restricted pods may run. */
  readonly namespace: (name: string) => Promise<void>;
  /**
   * Runs lines of bash like a user, in the checkout, until they have printed the expected text; returns their output.
   */
  readonly bash: (script: string, expected: RegExp) => Promise<string>;
  /** Refused requests of these service accounts. */
  readonly refusals: (namespace: string) => Promise<string[]>;
}

export async function openCluster(): Promise<Installed> {
  await using stack = new AsyncDisposableStack();
  const start = performance.now();
  const cluster = stack.use(await startCluster());
  say('the cluster is up', start);
  const images = await loadImages(cluster, `firehose:${NEXT_TAG}`);
  say('the images are on its nodes', start);
  const { plane } = cluster;
  const owned = stack.move();
  return {
    cluster,
    images,
    kubectl: (...args) => plane.kubectl(args),
    helm: (...args) => cluster.helm(...args),
    apply: async (...objects) => {
      const items = { apiVersion: 'v1', kind: 'List', items: objects };
      await plane.kubectl(['apply', '-f', '-'], JSON.stringify(items));
    },
    namespace: async (name) => {
      const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
      await plane.admin.must('POST', '/api/v1/namespaces', { metadata: { name, labels } });
    },
    bash: (script, expected) => bash(cluster, script, expected),
    refusals: async (namespace) => {
      const asked = (await plane.audit()).filter(
        ({ user, isForbidden }) => user.startsWith(`system:serviceaccount:${namespace}:`) && isForbidden,
      );
      return [
        ...new Set(asked.map((one) => `${one.user} ${one.verb} ${one.resource}/${one.subresource} ${one.namespace}`)),
      ];
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Prints a figure of the run. */
export function say(what: string, since: number): void {
  console.log(`    ${what} after ${((performance.now() - since) / 1_000).toFixed(1)} s`);
}

async function bash(cluster: Cluster, script: string, expected: RegExp): Promise<string> {
  // A process group of its own: background processes of the script end with it.
  const child = spawn('bash', ['-eu', '-c', script], {
    cwd: ROOT,
    env: cluster.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`it took too long, and printed: ${output}`)), COMMAND_LIMIT_MS);
  const look = (chunk: Buffer) => {
    output += chunk.toString();
    if (expected.test(output)) resolve();
  };
  child.stdout.on('data', look);
  child.stderr.on('data', look);
  child.once('close', (code) => reject(new Error(`it ended with ${code}, and printed: ${output}`)));
  try {
    await promise;
    return output;
  } finally {
    clearTimeout(timer);
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  }
}
