import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const KUBERNETES_VERSION = 'v1.36.3';

/** Where each program comes from: its Go package, and the variable that names a ready one (envtest's convention). */
const PROGRAMS = {
  etcd: { module: 'go.etcd.io/etcd/server/v3', variable: 'TEST_ASSET_ETCD' },
  'kube-apiserver': { module: 'k8s.io/kubernetes/cmd/kube-apiserver', variable: 'TEST_ASSET_KUBE_APISERVER' },
  'kube-controller-manager': {
    module: 'k8s.io/kubernetes/cmd/kube-controller-manager',
    variable: 'TEST_ASSET_KUBE_CONTROLLER_MANAGER',
  },
  kubectl: { module: 'k8s.io/kubernetes/cmd/kubectl', variable: 'TEST_ASSET_KUBECTL' },
} as const;

type Program = keyof typeof PROGRAMS;
export type Binaries = Readonly<Record<Program, string>>;
export type FoundBinaries =
  | { readonly ok: true; readonly binaries: Binaries }
  /** `remedy` is what would change that. */
  | { readonly ok: false; readonly remedy: string };

const NAMES = Object.keys(PROGRAMS) as Program[];
const MODULE = dirname(fileURLToPath(import.meta.url));
/** Without the stamp the version checks of clients see v0.0.0-master. */
const STAMP = 'k8s.io/component-base/version';
const [MAJOR = '', MINOR = ''] = KUBERNETES_VERSION.slice(1).split('.');
const LINK = `-s -w -X ${STAMP}.gitVersion=${KUBERNETES_VERSION} -X ${STAMP}.gitMajor=${MAJOR} -X ${STAMP}.gitMinor=${MINOR}`;
const BUILD_LIMIT_MS = 3_000_000;

export type Environment = Readonly<Record<string, string | undefined>>;

/** The programs that are there already: the ones that the environment names when complete, else the cache's. */
export function findBinaries(environment: Environment): Binaries | null {
  return complete((name) => given(name, environment)) ?? complete((name) => join(cacheFolder(environment), name));
}

/** Finds the programs, or builds them once from Go modules into the cache, with a line a program. */
export async function ensureBinaries(environment: Environment, say: (line: string) => void): Promise<FoundBinaries> {
  const found = findBinaries(environment);
  if (found !== null) return { ok: true, binaries: found };
  if (spawnSync('go', ['version'], { stdio: 'ignore' }).status !== 0) {
    return { ok: false, remedy: 'install Go 1.26 or newer, or set KUBEBUILDER_ASSETS to a folder with all four' };
  }
  const folder = cacheFolder(environment);
  await mkdir(folder, { recursive: true });
  const missing = NAMES.filter((name) => !isExecutable(join(folder, name)));
  say(`building the control plane ${KUBERNETES_VERSION} into ${folder}, once: about 6 minutes on 2 cores`);
  for (const [index, name] of missing.entries()) {
    const start = performance.now();
    const isBuilt = await buildKubernetes(join(folder, name), PROGRAMS[name].module, environment);
    if (!isBuilt) return { ok: false, remedy: `see why 'go build' of ${name} failed above, in ${MODULE}` };
    const seconds = Math.round((performance.now() - start) / 1_000);
    say(`  ${index + 1}/${missing.length} ${name} built in ${seconds} s`);
  }
  const built = findBinaries(environment);
  return built === null ? { ok: false, remedy: `look into ${folder}` } : { ok: true, binaries: built };
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

/** Outside of the checkout: a clean clone does not build again. */
export function cacheFolder(environment: Environment): string {
  const base = environment['XDG_CACHE_HOME'] ?? '';
  return join(base === '' ? join(homedir(), '.cache') : base, 'firehose', KUBERNETES_VERSION);
}

/**
 * Builds a package of Kubernetes, or etcd, as the `go.mod` beside this file pins it; false when that failed. Under
 * another name first: an interrupted build leaves nothing that looks complete.
 */
export async function buildKubernetes(path: string, module: string, environment: Environment): Promise<boolean> {
  const draft = `${path}.${process.pid}`;
  const args = ['build', '-trimpath', '-ldflags', LINK, '-o', draft, module];
  const child = spawn('go', args, {
    cwd: MODULE,
    env: { ...environment, CGO_ENABLED: '0' },
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: BUILD_LIMIT_MS,
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code === 0) await rename(draft, path);
  else await rm(draft, { force: true });
  return code === 0;
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
