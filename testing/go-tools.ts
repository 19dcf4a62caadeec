import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Programs that tests run and that come as Go modules. `isWanted` judges what a program on the PATH says of itself. */
const TOOLS = {
  helm: {
    program: 'helm',
    module: 'helm.sh/helm/v4/cmd/helm',
    version: 'v4.3.1',
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
  // The Lua that Argo CD runs.
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
  // Named to containerd by its whole path: one on the PATH would not do.
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
  /** `remedy` is what would change that. */
  | { readonly ok: false; readonly remedy: string };

type Environment = Readonly<Record<string, string | undefined>>;

const BUILD_LIMIT_MS = 1_800_000;

/** Finds a tool on the PATH or in the cache, or builds it once into the cache, with a line of progress. */
export async function ensureGoTool(
  name: GoTool,
  environment: Environment,
  say: (line: string) => void,
): Promise<FoundTool> {
  const { program, ask, isWanted, module, version } = TOOLS[name];
  const installed = spawnSync(program, [...ask], { encoding: 'utf8', env: environment });
  if (installed.status === 0 && isWanted(installed.stdout.trim())) return { ok: true, path: program };
  const folder = toolFolder(environment);
  const path = join(folder, `${name}-${version}`);
  if (isExecutable(path)) return { ok: true, path };
  if (spawnSync('go', ['version'], { stdio: 'ignore', env: environment }).status !== 0) {
    return { ok: false, remedy: `install Go 1.26 or newer, or ${program} ${version}` };
  }
  say(`building ${name} ${version} into ${folder}, once: one to three minutes on 2 cores`);
  const start = performance.now();
  await mkdir(folder, { recursive: true });
  if (!(await build(name, path, environment))) {
    return { ok: false, remedy: `see why 'go install ${module}@${version}' failed above` };
  }
  say(`  ${name} built in ${Math.round((performance.now() - start) / 1_000)} s`);
  return { ok: true, path };
}

/** Under another name first: an interrupted build leaves nothing that looks complete. */
async function build(name: GoTool, path: string, environment: Environment): Promise<boolean> {
  const { module, version, stamp, program } = TOOLS[name];
  const draft = await mkdtemp(`${path}.draft-`);
  try {
    const link = `-s -w -X ${stamp}=${version}`;
    const child = spawn('go', ['install', '-trimpath', '-ldflags', link, `${module}@${version}`], {
      env: { ...environment, CGO_ENABLED: '0', GOBIN: draft, GOFLAGS: '' },
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: BUILD_LIMIT_MS,
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code === 0) await rename(join(draft, program), path);
    return code === 0;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Outside of the checkout: a clean clone does not build again. */
export function toolFolder(environment: Environment): string {
  const base = environment['XDG_CACHE_HOME'] ?? '';
  return join(base === '' ? join(homedir(), '.cache') : base, 'firehose', 'tools');
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
