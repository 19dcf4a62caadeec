import { basename } from 'node:path';
import type { Environment } from '../program-places.ts';
import { makeCgroup } from './node.ts';
import { ensurePrograms, type FoundPrograms } from './programs.ts';
import { openSandbox, sandboxPossible } from './sandbox.ts';

/**
 * Whether a whole cluster can run on this machine, and with which programs: the only place that decides it. Installs
 * and builds what is missing; then tries a sandbox as nodes use it, because a machine that allows namespaces may refuse
 * operations inside of them.
 */
export async function ensureCluster(environment: Environment, say: (line: string) => void): Promise<FoundPrograms> {
  const possible = sandboxPossible();
  if (!possible.ok) return possible;
  const found = await ensurePrograms(environment, say);
  if (!found.ok) return found;
  const refused = await whatIsRefused(environment);
  return refused === null ? found : { ok: false, remedy: `let root have ${refused}` };
}

async function whatIsRefused(environment: Environment): Promise<string | null> {
  await using sandbox = await openSandbox();
  const code = await sandbox.run(['nft', 'add', 'table', 'ip', 'trial'], environment);
  if (code !== 0) return 'network devices, mounts and nftables of its own in its namespaces (see above what failed)';
  try {
    await makeCgroup(`/${basename(sandbox.folder)}/trial`);
    return null;
  } catch (error) {
    return `control groups of its own (${(error as Error).message})`;
  }
}
