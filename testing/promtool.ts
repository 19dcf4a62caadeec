import { spawnSync } from 'node:child_process';

const REMEDY = 'promtool is needed: apt-get install -y prometheus';
const LIMIT_MS = 300_000;

/** Installs promtool as root on Debian when it is not on the PATH. Throws with the remedy when it cannot. */
export function ensurePromtool(): void {
  if (isThere()) return;
  if (process.getuid?.() === 0) {
    // RUNLEVEL=1: the package's own service is not started.
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    const apt = (...args: string[]) => spawnSync('apt-get', ['-qq', ...args], { env, timeout: LIMIT_MS }).status === 0;
    const install = () => apt('install', '-y', '--no-install-recommends', 'prometheus');
    if (!install() && apt('update')) install();
  }
  if (!isThere()) throw new Error(REMEDY);
}

export function promtool(...args: string[]): { readonly ok: boolean; readonly says: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8', timeout: 60_000 });
  return { ok: status === 0, says: `${stdout}${stderr}` };
}

function isThere(): boolean {
  return spawnSync('promtool', ['--version'], { stdio: 'ignore' }).status === 0;
}
