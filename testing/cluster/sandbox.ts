import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, rmSync, rmdirSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** Names the sandbox's folder to what runs inside. */
export const SANDBOX_VARIABLE = 'FIREHOSE_SANDBOX';

const INIT = fileURLToPath(new URL('sandbox.sh', import.meta.url));
const PREFIX = 'firehose-cluster-';
const CGROUPS = '/sys/fs/cgroup';
const NAMESPACES = ['--net', '--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child=KILL', '--mount-proc'];
const STOP_LIMIT_MS = 30_000;
const RELEASE_LIMIT_MS = 10_000;

export type SandboxPossible = { readonly ok: true } | { readonly ok: false; readonly remedy: string };

/** Whether this machine lets us have namespaces of our own. */
export function sandboxPossible(): SandboxPossible {
  if (process.platform !== 'linux') return { ok: false, remedy: 'run it on Linux' };
  if (process.getuid?.() !== 0) return { ok: false, remedy: 'run it as root' };
  const tried = spawnSync('setpriv', ['--pdeathsig', 'KILL', 'unshare', ...NAMESPACES, 'true'], { encoding: 'utf8' });
  if (tried.status === 0) return { ok: true };
  const said = tried.error?.message ?? tried.stderr.trim();
  return { ok: false, remedy: `let root have namespaces of its own (unshare says: ${said})` };
}

/**
 * Network, mount and process namespaces of its own for each command that runs in it. Every process that a command leaves
 * behind, every mount and every address ends with it, also when this process is killed: what a kill leaves on disk goes
 * with the next start.
 */
export interface Sandbox extends AsyncDisposable {
  /** Seen inside and outside: sockets in here lead in. */
  readonly folder: string;
  /** Runs a command with its output here; gives its exit code. SIGINT and SIGTERM of this process end it. */
  run(command: readonly string[], environment: NodeJS.ProcessEnv): Promise<number>;
}

export async function openSandbox(): Promise<Sandbox> {
  removeLeftovers();
  // Its name tells whose it is from the first moment on.
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

/** `unshare` takes no signals for its child: process 1 of the sandbox is told itself. */
async function stopInit(unshare: ChildProcess): Promise<void> {
  const { pid = 0 } = unshare;
  // Gone by now, there is nobody to tell.
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  for (const child of children.split(' ').filter(Boolean)) process.kill(Number(child), 'SIGTERM');
  await Promise.race([once(unshare, 'exit'), delay(STOP_LIMIT_MS, undefined, { ref: false })]);
  if (unshare.exitCode === null) unshare.kill('SIGKILL');
}

/** What sandboxes whose owner is gone have left on disk. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir()).filter((one) => one.startsWith(PREFIX))) {
    const [pid = '', start = ''] = name.slice(PREFIX.length).split('-');
    if (startOf(Number(pid)) === start) continue;
    removeCgroups(name);
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

/** Processes that were killed take a moment to leave their groups. */
async function release(folder: string): Promise<void> {
  const deadline = Date.now() + RELEASE_LIMIT_MS;
  while (!removeCgroups(basename(folder)) && Date.now() < deadline) await delay(100);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** The folders of a control group, inner ones first; false when one is still in use. Each controller of v1 has its own. */
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
    return []; // It is not there.
  }
}

/** When a process began, in the kernel's ticks: a pid alone may belong to another process by now. Empty when there is none. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // One that has ended and was not asked after yet is gone, too.
    return fields[0] === 'Z' ? '' : (fields[19] ?? '');
  } catch {
    return '';
  }
}
