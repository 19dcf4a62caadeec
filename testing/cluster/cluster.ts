import { execFile } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { startControlPlane, type ControlPlane } from '../control-plane/control-plane.ts';
import { startDaemon, type Daemon } from '../control-plane/daemon.ts';
import { accessFor, type ClusterParts } from './access.ts';
import { writeProgramImage } from './image.ts';
import { startNames } from './names.ts';
import { PAUSE_IMAGE, startNode, type ClusterNode } from './node.ts';
import { ensurePrograms, type ClusterPrograms } from './programs.ts';
import { SANDBOX_VARIABLE } from './sandbox.ts';

const run = promisify(execFile);

/** These values are known only inside of the sandbox. */
const NETWORK = '10.250.0';
const PODS = '10.244';
const HELM_LIMIT_MS = 300_000;

export interface ClusterOptions {
  /** Number of nodes; default 2. */
  readonly nodes?: number;
}

/** A whole Kubernetes: control plane, scheduler, nodes with containers, Services and their names. */
export interface Cluster extends AsyncDisposable {
  readonly plane: ControlPlane;
  readonly nodes: readonly ClusterNode[];
  readonly programs: ClusterPrograms;
  readonly folder: string;
  /** Variables with which kubectl and helm, found on the PATH, use this cluster. */
  readonly environment: NodeJS.ProcessEnv;
  /** Loads an image into every node, from a file in the format of `docker save`. */
  load(file: string): Promise<void>;
  /** Runs helm as the administrator; rejects with its output. */
  helm(...args: readonly string[]): Promise<string>;
}

/** Starts one in about ten seconds. Only inside of a sandbox, see `runInSandbox`, which reliably ends it. */
export async function startCluster({ nodes: count = 2 }: ClusterOptions = {}): Promise<Cluster> {
  const sandbox = process.env[SANDBOX_VARIABLE];
  if (sandbox === undefined) throw new Error('a cluster runs in a sandbox alone: use npm run cluster or npm run e2e');
  const found = await ensurePrograms(process.env, console.log);
  if (!found.ok) throw new Error(`there is no cluster on this machine: ${found.remedy}`);
  const { programs } = found;
  await using stack = new AsyncDisposableStack();
  const addresses = Array.from({ length: count }, (_, index) => `${NETWORK}.${11 + index}`);
  for (const address of addresses) await run('ip', ['addr', 'add', `${address}/24`, 'dev', 'node0']);
  await run('ip', ['route', 'add', 'default', 'dev', 'node0']);
  const folder = join(sandbox, 'cluster');
  await mkdir(folder, { recursive: true });
  const plane = stack.use(await startControlPlane({ folder, nodesVia: addresses[0] ?? '' }));
  const parts = { plane, programs, folder };
  const pause = join(sandbox, 'pause.tar');
  await writePause(pause);
  for (const start of [startScheduler, startProxy, (all: ClusterParts) => startNames(all, addresses[0] ?? '')]) {
    const daemon = await start(parts);
    stack.defer(() => daemon.kill());
  }
  const nodes = await Promise.all(
    addresses.map((address, index) => {
      const subnet = `${PODS}.${index}.0/24`;
      return startNode({ ...parts, name: `node-${index + 1}`, address, subnet, folder: sandbox }, pause);
    }),
  );
  for (const node of nodes) stack.use(node);
  const environment = await commandEnvironment(plane, programs, sandbox);
  const owned = stack.move();
  return {
    plane,
    nodes,
    programs,
    folder: sandbox,
    environment,
    async load(file) {
      for (const node of nodes) await node.load(file);
    },
    async helm(...args) {
      const { stdout } = await run(programs.helm, args, { env: environment, timeout: HELM_LIMIT_MS });
      return stdout;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** It only keeps a pod's namespaces open. */
const writePause = (file: string) => writeProgramImage(file, PAUSE_IMAGE, ['/usr/bin/sleep', 'infinity']);

async function startScheduler(parts: ClusterParts): Promise<Daemon> {
  const file = await accessFor(parts, 'system:kube-scheduler');
  return startDaemon({
    program: parts.programs['kube-scheduler'],
    args: [
      `--kubeconfig=${file}`,
      `--authentication-kubeconfig=${file}`,
      `--authorization-kubeconfig=${file}`,
      '--leader-elect=false',
      '--secure-port=0',
    ],
    logFile: join(parts.folder, 'kube-scheduler.log'),
    isUp: async () => true,
  });
}

/** One for all nodes: they share a network. */
async function startProxy(parts: ClusterParts): Promise<Daemon> {
  return startDaemon({
    program: parts.programs['kube-proxy'],
    args: [
      `--kubeconfig=${await accessFor(parts, 'system:kube-proxy')}`,
      '--proxy-mode=nftables',
      `--cluster-cidr=${PODS}.0.0/16`,
      '--conntrack-max-per-core=0',
      '--hostname-override=node-1',
    ],
    logFile: join(parts.folder, 'kube-proxy.log'),
    isUp: async () => true,
  });
}

/** kubectl and helm by their plain names, and nothing of the user's own settings. */
async function commandEnvironment(plane: ControlPlane, programs: ClusterPrograms, folder: string) {
  const bin = join(folder, 'bin');
  await mkdir(bin, { recursive: true });
  for (const [name, path] of [
    ['kubectl', plane.kubectlProgram],
    ['helm', programs.helm],
  ] as const) {
    // Programs on the PATH are found there again.
    if (isAbsolute(path)) await symlink(path, join(bin, name));
  }
  return {
    ...process.env,
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    KUBECONFIG: plane.kubeconfig,
    HOME: folder,
  };
}
