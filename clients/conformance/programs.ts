import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AdapterProgram } from './adapter.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const PIP_LIMIT_MS = 300_000;

export const TYPESCRIPT: AdapterProgram = {
  name: 'typescript',
  command: [process.execPath, at('./adapters/typescript.ts')],
};

export const broken = (fault: string): AdapterProgram => ({
  name: `broken: ${fault}`,
  command: [process.execPath, at('./adapters/broken.ts'), fault],
});

export interface PythonProgram extends AdapterProgram, AsyncDisposable {}

/** The adapter of the Python client, in a virtual environment with `websockets`. Throws when it cannot be created. */
export async function pythonProgram(): Promise<PythonProgram> {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-python-'));
  const python = join(folder, 'bin/python');
  for (const [program, ...args] of [
    ['python3', '-m', 'venv', folder],
    [python, '-m', 'pip', 'install', '--quiet', 'websockets'],
  ] as const) {
    const { status, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: PIP_LIMIT_MS });
    if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
  }
  return {
    name: 'python',
    command: [python, at('./adapters/python.py')],
    environment: { PYTHONPATH: at('../python/src') },
    async [Symbol.asyncDispose]() {
      if (existsSync(folder)) await rm(folder, { recursive: true });
    },
  };
}
