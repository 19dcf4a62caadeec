import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { linkModules, type PageModule } from './link-modules.ts';
import { stripTypes } from './strip-types.ts';

/** A file that a browser gets. */
export interface Asset {
  readonly type: string;
  readonly body: Buffer;
  readonly gzip: Buffer;
}

export interface Assets {
  /** By their path below the folder of the assets. */
  readonly files: ReadonlyMap<string, Asset>;
  /** Another one for other files. */
  readonly digest: string;
}

/** The one library of the page, as its package has it for browsers. */
export const LIBRARY = 'lit-html';
export const ENTRY = 'gateway/console/page/main.ts';
export const STYLE = 'gateway/console/page/style.css';
/** Folders whose modules the page may import, and where they are: its own, and what processes agree on. */
const FOLDERS: readonly (readonly [folder: string, place: URL])[] = [
  ['gateway/console/page', new URL('page', import.meta.url)],
  ['protocol', new URL('../../protocol', import.meta.url)],
];

const IMPORTED = /^import\b[^']*'([^']+)'/gm;
const SCRIPT = 'text/javascript; charset=utf-8';

/** Reads the page from its first module on: what it imports, and nothing else, is served, as one script. */
export async function readAssets(): Promise<Assets> {
  const modules = new Map<string, PageModule>();
  await addModule(modules, ENTRY, []);
  const files = new Map<string, Asset>();
  const library = `${LIBRARY}/${LIBRARY}.js`;
  const script = (await readFile(placeOf(library), 'utf8')).replace(/\n\/\/# sourceMappingURL=.*/, '');
  files.set(library, await asset(SCRIPT, script));
  files.set(ENTRY, await asset(SCRIPT, linkModules(modules)));
  files.set(STYLE, await asset('text/css; charset=utf-8', await readFile(placeOf(STYLE), 'utf8')));
  const hash = createHash('sha256');
  for (const [path, { body }] of files) hash.update(path).update(body);
  return { files, digest: hash.digest('base64url').slice(0, 16) };
}

/** Adds a module after those that it imports. `above`: the modules that import it. */
async function addModule(modules: Map<string, PageModule>, path: string, above: readonly string[]): Promise<void> {
  if (modules.has(path)) return;
  if (above.includes(path)) throw new Error(`modules of the console import each other: ${[...above, path].join(', ')}`);
  const source = withoutMargins(stripTypes(await readFile(placeOf(path), 'utf8')));
  const imports = new Map([...source.matchAll(IMPORTED)].map(([, name = '']) => [name, pathOf(name, path)]));
  for (const imported of imports.values()) {
    if (imported !== LIBRARY) await addModule(modules, imported, [...above, path]);
  }
  modules.set(path, { source, imports });
}

/** Where an asset lies on this machine. The library is found as Node finds it: its folder need not be this project's own. */
function placeOf(path: string): string {
  const own = FOLDERS.find(([folder]) => path.startsWith(`${folder}/`));
  if (own !== undefined) return join(fileURLToPath(own[1]), path.slice(own[0].length + 1));
  const found = fileURLToPath(import.meta.resolve(LIBRARY));
  const folder = found.slice(0, found.lastIndexOf(`${sep}${LIBRARY}${sep}`) + LIBRARY.length + 2);
  return join(folder, path.slice(LIBRARY.length + 1));
}

function pathOf(imported: string, from: string): string {
  if (imported === LIBRARY) return LIBRARY;
  const path = relative('/', resolve('/', dirname(from), imported)).replaceAll(sep, '/');
  const isOwn = FOLDERS.some(([folder]) => path.startsWith(`${folder}/`));
  if (!imported.startsWith('.') || !isOwn) throw new Error(`${from} of the console imports ${imported}`);
  return path;
}

/** Stripped types leave blanks: none of them is sent at the end of a line. */
function withoutMargins(script: string): string {
  return script.replaceAll(/[ \t]+$/gm, '').replaceAll(/\n{2,}/g, '\n');
}

const compressed = promisify(gzip);

async function asset(type: string, text: string): Promise<Asset> {
  const body = Buffer.from(text);
  return { type, body, gzip: await compressed(body, { level: 9 }) };
}
