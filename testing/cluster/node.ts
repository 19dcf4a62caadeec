import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import type { ControlPlane } from '../control-plane/control-plane.ts';
import { startDaemon, type Daemon } from '../control-plane/daemon.ts';
import { kubeconfig } from '../control-plane/kubeconfig.ts';
import { CNI_FOLDERS, type ClusterPrograms } from './programs.ts';

const run = promisify(execFile);

export const DNS_ADDRESS = '10.96.0.10';
export const PAUSE_IMAGE = 'firehose.test/pause:1';
const CGROUPS = '/sys/fs/cgroup';
const START_LIMIT_MS = 120_000;

export interface NodeOptions {
  readonly name: string;
  readonly address: string;
  /** Of its pods. */
  readonly subnet: string;
  readonly plane: ControlPlane;
  readonly programs: ClusterPrograms;
  /** Of the sandbox. */
  readonly folder: string;
}

/** A containerd and a kubelet: everything that a machine needs to be a node. */
export interface ClusterNode extends AsyncDisposable {
  readonly name: string;
  readonly address: string;
  /** Loads an image into it, from a file in the format of `docker save`. */
  load(file: string): Promise<void>;
}

/** Starts one inside of a sandbox. Resolves when pods can run on it; its processes end with the sandbox. */
export async function startNode(options: NodeOptions, pauseImage: string): Promise<ClusterNode> {
  await using stack = new AsyncDisposableStack();
  const own = join(options.folder, options.name);
  await mkdir(join(own, 'cni'), { recursive: true });
  await mkdir(socketFolder(options), { recursive: true });
  const containerd = await startContainerd(options, own);
  stack.defer(() => containerd.kill());
  const load = async (file: string) => void (await ctr(options, 'images', 'import', file));
  await load(pauseImage);
  const kubelet = await startKubelet(options, own);
  stack.defer(() => kubelet.kill());
  const owned = stack.move();
  const { name, address } = options;
  return { name, address, load, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** In the sandbox's own /run, because a socket's path must be short. */
const socketFolder = ({ name }: NodeOptions) => `/run/${name}`;
const socketOf = (options: NodeOptions) => `${socketFolder(options)}/containerd.sock`;

const ctr = (options: NodeOptions, ...args: string[]) =>
  run(options.programs.ctr, ['--address', socketOf(options), '-n', 'k8s.io', ...args]);

async function startContainerd(options: NodeOptions, own: string): Promise<Daemon> {
  await writeFile(join(own, 'cni', '10-pods.conflist'), JSON.stringify(podNetwork(options)));
  await writeFile(join(own, 'containerd.toml'), containerdSettings(options, own));
  return startDaemon({
    program: options.programs.containerd,
    args: ['--config', join(own, 'containerd.toml')],
    logFile: join(own, 'containerd.log'),
    isUp: () =>
      ctr(options, 'version').then(
        () => true,
        () => false,
      ),
  });
}

/** Every packet of a pod is routed, so that Services also reach pods of the same node; masquerading is not needed. */
function podNetwork({ subnet, name }: NodeOptions): object {
  const dataDir = `/var/lib/cni/${name}`;
  const ipam = { type: 'host-local', dataDir, ranges: [[{ subnet }]], routes: [{ dst: '0.0.0.0/0' }] };
  return { cniVersion: '1.0.0', name: 'pods', plugins: [{ type: 'ptp', ipMasq: false, ipam }] };
}

function containerdSettings(options: NodeOptions, own: string): string {
  const text = JSON.stringify;
  const cri = "plugins.'io.containerd.cri.v1";
  const cni = CNI_FOLDERS.find((folder) => existsSync(folder)) ?? '';
  return `version = 3
root = ${text(join(own, 'containerd'))}
state = ${text(join(socketFolder(options), 'containerd'))}
[grpc]
address = ${text(socketOf(options))}
[ttrpc]
address = ${text(`${socketOf(options)}.ttrpc`)}
[${cri}.images'.pinned_images]
sandbox = ${text(PAUSE_IMAGE)}
[plugins.'io.containerd.nri.v1.nri']
# All nodes of this machine would have one socket for it: the second one to listen would end.
disable = true
[${cri}.runtime']
# A root without CAP_SYS_RESOURCE may not make a process less likely to be killed.
restrict_oom_score_adj = true
[${cri}.runtime'.cni]
bin_dirs = [${text(cni)}]
conf_dir = ${text(join(own, 'cni'))}
[${cri}.runtime'.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'
runtime_path = ${text(options.programs['containerd-shim-runc-v2'])}
[${cri}.runtime'.containerd.runtimes.runc.options]
SystemdCgroup = false
`;
}

async function startKubelet(options: NodeOptions, own: string): Promise<Daemon> {
  const { name, address, plane, programs } = options;
  const user = await plane.pki.client(`system:node:${name}`, ['system:nodes']);
  const server = await plane.pki.server(`CN=${name}`, [address]);
  await writeFile(join(own, 'kubelet.crt'), server.cert, { mode: 0o600 });
  await writeFile(join(own, 'kubelet.key'), server.key, { mode: 0o600 });
  const access = join(own, 'kubelet.kubeconfig');
  await writeFile(access, kubeconfig(plane.server, plane.pki.authority.cert, user), { mode: 0o600 });
  await writeFile(join(own, 'kubelet.yaml'), stringify(await kubeletSettings(options, own)));
  return startDaemon({
    program: programs.kubelet,
    args: [
      `--config=${join(own, 'kubelet.yaml')}`,
      `--kubeconfig=${access}`,
      `--hostname-override=${name}`,
      `--node-ip=${address}`,
      `--root-dir=${join(own, 'kubelet')}`,
    ],
    logFile: join(own, 'kubelet.log'),
    limitMs: START_LIMIT_MS,
    isUp: () => isReady(plane, name),
  });
}

async function isReady({ admin }: ControlPlane, name: string): Promise<boolean> {
  const { status, body } = await admin.call('GET', `/api/v1/nodes/${name}`);
  const conditions = (body['status'] as { conditions?: { type: string; status: string }[] } | undefined)?.conditions;
  return status === 200 && (conditions ?? []).some((one) => one.type === 'Ready' && one.status === 'True');
}

async function kubeletSettings(options: NodeOptions, own: string): Promise<object> {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: options.address,
    healthzPort: 0,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: options.plane.pki.files.ca },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: join(own, 'kubelet.crt'),
    tlsPrivateKeyFile: join(own, 'kubelet.key'),
    containerRuntimeEndpoint: `unix://${socketOf(options)}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: await makeCgroup(`/${basename(options.folder)}/${options.name}`),
    failCgroupV1: false,
    enforceNodeAllocatable: [],
    failSwapOn: false,
    makeIPTablesUtilChains: false,
    clusterDomain: 'cluster.local',
    clusterDNS: [DNS_ADDRESS],
    resolvConf: join(options.folder, 'resolv.conf'),
    podLogsDir: join(own, 'pods'),
    volumePluginDir: join(own, 'volume-plugins'),
    // The tests must not depend on the free space of this machine's disk.
    evictionHard: { 'memory.available': '0%', 'nodefs.available': '0%', 'imagefs.available': '0%' },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
  };
}

/**
 * The kubelet requires the group in every controller. It is removed with the sandbox. All pods together have the weight
 * of ten processes of this machine: with the weight of one they would starve beside a busy test.
 */
export async function makeCgroup(path: string): Promise<string> {
  const isUnified = existsSync(join(CGROUPS, 'cgroup.controllers'));
  const controllers = isUnified ? [''] : readdirSync(CGROUPS);
  for (const controller of controllers) await mkdir(join(CGROUPS, controller, path), { recursive: true });
  const whole = dirname(path);
  const [file, weight] = isUnified
    ? [join(CGROUPS, whole, 'cpu.weight'), 1_000]
    : [join(CGROUPS, 'cpu', whole, 'cpu.shares'), 10_240];
  if (existsSync(file)) await writeFile(file, String(weight));
  return path;
}
