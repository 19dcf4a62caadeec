import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  buildKubernetes,
  cacheFolder,
  ensureBinaries,
  isExecutable,
  type Environment,
} from '../control-plane/binaries.ts';
import { ensurePackages, isOnPath, type DebianPackage } from '../debian.ts';
import { ensureGoTool } from '../go-tools.ts';

/** Kubernetes' own, of the control plane's version; from its module and its cache. */
const KUBERNETES = ['kube-scheduler', 'kubelet', 'kube-proxy'] as const;
/** `helm` is for the users of a cluster. */
const TOOLS = ['containerd', 'containerd-shim-runc-v2', 'ctr', 'coredns', 'helm'] as const;

/** What runs beside the control plane. */
export type ClusterPrograms = Readonly<Record<(typeof KUBERNETES | typeof TOOLS)[number], string>>;
export type FoundPrograms =
  | { readonly ok: true; readonly programs: ClusterPrograms }
  /** `remedy` is what would change that. */
  | { readonly ok: false; readonly remedy: string };

export const CNI_FOLDERS = ['/usr/lib/cni', '/opt/cni/bin'];

const PACKAGES: readonly DebianPackage[] = [
  { name: 'runc', isThere: () => isOnPath('runc') },
  { name: 'containernetworking-plugins', isThere: () => CNI_FOLDERS.some((folder) => existsSync(`${folder}/ptp`)) },
  { name: 'nftables', isThere: () => isOnPath('nft') },
  { name: 'iproute2', isThere: () => isOnPath('ip') },
  { name: 'redis-server', isThere: () => isOnPath('redis-server') },
];

/** Finds the programs of a whole cluster, its control plane included, or installs and builds what is missing. */
export async function ensurePrograms(environment: Environment, say: (line: string) => void): Promise<FoundPrograms> {
  const installed = ensurePackages(PACKAGES, say);
  if (!installed.ok) return installed;
  const plane = await ensureBinaries(environment, say);
  if (!plane.ok) return plane;
  const paths: Record<string, string> = {};
  for (const name of KUBERNETES) {
    const path = await ensureKubernetes(name, environment, say);
    if (path === null) return { ok: false, remedy: `install Go 1.26 or newer, or see above why ${name} was not built` };
    paths[name] = path;
  }
  for (const name of TOOLS) {
    const tool = await ensureGoTool(name, environment, say);
    if (!tool.ok) return tool;
    paths[name] = tool.path;
  }
  return { ok: true, programs: paths as ClusterPrograms };
}

/** Beside what is given in KUBEBUILDER_ASSETS, else in the cache, else built into it. */
async function ensureKubernetes(
  name: (typeof KUBERNETES)[number],
  environment: Environment,
  say: (line: string) => void,
): Promise<string | null> {
  const given = join(environment['KUBEBUILDER_ASSETS'] ?? '/', name);
  if (isExecutable(given)) return given;
  const folder = cacheFolder(environment);
  const path = join(folder, name);
  if (isExecutable(path)) return path;
  say(`building ${name} into ${folder}, once: up to a minute on 2 cores`);
  await mkdir(folder, { recursive: true });
  return (await buildKubernetes(path, `k8s.io/kubernetes/cmd/${name}`, environment)) ? path : null;
}
