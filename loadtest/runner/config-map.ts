import { readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NAMES } from './command.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const IMPORT = /(from ')(\.{1,2}\/[^']+\.ts)(')/g;

/**
 * `loadtest/client/mix.ts` becomes `client.mix.ts`: the keys of a ConfigMap, and its files in a pod, have no folders.
 */
const flat = (file: string): string =>
  relative(ROOT, file)
    .replace(/^loadtest\//, '')
    .replaceAll('/', '.');

/** The scripts and everything they import, without folders, by file name. */
export async function flatFiles(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const wanted = NAMES.map((name) => join(ROOT, 'loadtest', `${name}.ts`));
  for (let file = wanted.pop(); file !== undefined; file = wanted.pop()) {
    const here = file;
    if (files.has(flat(here))) continue;
    const text = (await readFile(here, 'utf8')).replaceAll(IMPORT, (_, before: string, path: string, after: string) => {
      const imported = join(dirname(here), path);
      wanted.push(imported);
      return `${before}./${flat(imported)}${after}`;
    });
    files.set(flat(here), text);
  }
  return files;
}

export const CONFIG_MAP = 'firehose-loadtest';

/** The manifest with the scripts of the TestRuns; JSON is YAML. */
export async function configMap(): Promise<string> {
  const data = Object.fromEntries([...(await flatFiles())].toSorted(([a], [b]) => a.localeCompare(b)));
  const manifest = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: CONFIG_MAP }, data };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}
