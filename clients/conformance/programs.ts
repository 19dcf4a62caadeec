import { fileURLToPath } from 'node:url';
import { pythonWith } from '../../testing/registry-packages.ts';
import type { AdapterProgram } from './adapter.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const PYTHON_PACKAGES = ['websockets==17.4'];

export const TYPESCRIPT: AdapterProgram = {
  name: 'typescript',
  command: [process.execPath, at('./adapters/typescript.ts')],
};

export const broken = (fault: string): AdapterProgram => ({
  name: `broken: ${fault}`,
  command: [process.execPath, at('./adapters/broken.ts'), fault],
});

/** The adapter of the Python client, on a Python that has `websockets`. Rejects when there is none. */
export async function pythonProgram(): Promise<AdapterProgram> {
  const python = await pythonWith(PYTHON_PACKAGES, process.env);
  return {
    name: 'python',
    command: [python, at('./adapters/python.py')],
    environment: { PYTHONPATH: at('../python/src') },
  };
}
