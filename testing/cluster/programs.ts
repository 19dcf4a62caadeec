import { existsSync } from 'node:fs';
import {
  ensureBinaries,
  ensureNodeProgram,
  findNodeProgram,
  missingBinaries,
  titleOf,
} from '../control-plane/binaries.ts';
import { ensurePackages, isOnPath, type DebianPackage } from '../debian.ts';
import { ensureGoTool, missingGoTools } from '../go-tools.ts';
import type { Environment } from '../program-places.ts';

/** Kubernetes' own programs, of the control plane's version, from its module and its cache. */
const KUBERNETES = ['kube-scheduler', 'kubelet', 'kube-proxy'] as const;
/** `helm` is for the users of a cluster. */
const TOOLS = ['containerd', 'containerd-shim-runc-v2', 'ctr', 'coredns', 'helm'] as const;

/** Programs that run beside the control plane. */
export type ClusterPrograms = Readonly<Record<(typeof KUBERNETES | typeof TOOLS)[number], string>>;
export type FoundPrograms =
  | { readonly ok: true; readonly programs: ClusterPrograms }
  /** `remedy` says how to change that. */
  | { readonly ok: false; readonly remedy: string };

export const CNI_FOLDERS = ['/usr/lib/cni', '/opt/cni/bin'];

const PACKAGES: readonly DebianPackage[] = [
  { name: 'runc', isThere: () => isOnPath('runc') },
  { name: 'containernetworking-plugins', isThere: () => CNI_FOLDERS.some((folder) => existsSync(`${folder}/ptp`)) },
  { name: 'nftables', isThere: () => isOnPath('nft') },
  { name: 'iproute2', isThere: () => isOnPath('ip') },
  { name: 'redis-server', isThere: () => isOnPath('redis-server') },
];

/** What `ensurePrograms` would build, each with its version. */
export function missingPrograms(environment: Environment): readonly string[] {
  const node = KUBERNETES.filter((name) => findNodeProgram(name, environment) === null).map(titleOf);
  return [...missingBinaries(environment), ...node, ...missingGoTools(TOOLS, environment)];
}

/** Finds the programs of a whole cluster, including its control plane, or installs and builds missing ones. */
export async function ensurePrograms(environment: Environment, say: (line: string) => void): Promise<FoundPrograms> {
  const installed = ensurePackages(PACKAGES, say);
  if (!installed.ok) return installed;
  const plane = await ensureBinaries(environment, say);
  if (!plane.ok) return plane;
  const paths: Record<string, string> = {};
  for (const name of KUBERNETES) {
    const path = await ensureNodeProgram(name, environment, say);
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
