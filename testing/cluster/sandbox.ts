import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, rmSync, rmdirSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** Passes the sandbox's folder to its processes. */
export const SANDBOX_VARIABLE = 'FIREHOSE_SANDBOX';

const INIT = fileURLToPath(new URL('sandbox.sh', import.meta.url));
const PREFIX = 'firehose-cluster-';
const CGROUPS = '/sys/fs/cgroup';
const NAMESPACES = ['--net', '--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child=KILL', '--mount-proc'];
const STOP_LIMIT_MS = 30_000;
const RELEASE_LIMIT_MS = 10_000;

export type SandboxPossible = { readonly ok: true } | { readonly ok: false; readonly remedy: string };

/** Whether this machine allows own namespaces. */
export function sandboxPossible(): SandboxPossible {
  if (process.platform !== 'linux') return { ok: false, remedy: 'run it on Linux' };
  if (process.getuid?.() !== 0) return { ok: false, remedy: 'run it as root' };
  const tried = spawnSync('setpriv', ['--pdeathsig', 'KILL', 'unshare', ...NAMESPACES, 'true'], { encoding: 'utf8' });
  if (tried.status === 0) return { ok: true };
  const said = tried.error?.message ?? tried.stderr.trim();
  return { ok: false, remedy: `let root have namespaces of its own (unshare says: ${said})` };
}

/**
 * Network, mount and process namespaces of its own for each command that runs in it. Every remaining process, every
 * mount and every address ends with the command, even when this process is killed: files that a kill leaves on disk are
 * removed at the next start.
 */
export interface Sandbox extends AsyncDisposable {
  /** Visible inside and outside: it contains sockets that lead into the sandbox. */
  readonly folder: string;
  /** Runs a command with its output here; returns its exit code. SIGINT and SIGTERM of this process end it. */
  run(command: readonly string[], environment: NodeJS.ProcessEnv): Promise<number>;
}

export async function openSandbox(): Promise<Sandbox> {
  removeLeftovers();
  // Its name contains its owner from the first moment on.
  const folder = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-${startOf(process.pid)}-`));
  return {
    folder,
    run: (command, environment) => runIn(folder, command, environment),
    [Symbol.asyncDispose]: () => release(folder),
  };
}

async function runIn(folder: string, command: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  // The kernel ends `unshare` with this process, and the namespaces with `unshare`.
  const args = ['--pdeathsig', 'KILL', 'unshare', ...NAMESPACES, 'bash', INIT, folder, ...command];
  const child = spawn('setpriv', args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...environment, [SANDBOX_VARIABLE]: folder },
  });
  const stop = () => void stopInit(child);
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 1;
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

/** `unshare` forwards no signals to its child: process 1 of the sandbox gets them directly. */
async function stopInit(unshare: ChildProcess): Promise<void> {
  const { pid = 0 } = unshare;
  // The process has ended already.
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  for (const child of children.split(' ').filter(Boolean)) process.kill(Number(child), 'SIGTERM');
  await Promise.race([once(unshare, 'exit'), delay(STOP_LIMIT_MS, undefined, { ref: false })]);
  if (unshare.exitCode === null) unshare.kill('SIGKILL');
}

/** Removes files of sandboxes whose owner is gone. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir()).filter((one) => one.startsWith(PREFIX))) {
    const [pid = '', start = ''] = name.slice(PREFIX.length).split('-');
    if (startOf(Number(pid)) === start) continue;
    removeCgroups(name);
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

/** Killed processes take a moment to leave their groups. */
async function release(folder: string): Promise<void> {
  const deadline = Date.now() + RELEASE_LIMIT_MS;
  while (!removeCgroups(basename(folder)) && Date.now() < deadline) await delay(100);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/**
 * Removes the folders of a control group, inner ones first; false when one is still in use. Each controller of v1 has
 * its own.
 */
function removeCgroups(name: string): boolean {
  const roots = [CGROUPS, ...foldersIn(CGROUPS).map((controller) => join(CGROUPS, controller))];
  return roots.map((root) => removeTree(join(root, name))).every(Boolean);
}

function removeTree(folder: string): boolean {
  const isEmpty = foldersIn(folder)
    .map((name) => removeTree(join(folder, name)))
    .every(Boolean);
  try {
    rmdirSync(folder);
    return isEmpty;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return []; // It does not exist.
  }
}

/**
 * Start time of a process, in the kernel's ticks: by now, another process may have the pid. Empty when there is none.
 */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie counts as gone, too.
    return fields[0] === 'Z' ? '' : (fields[19] ?? '');
  } catch {
    return '';
  }
}
