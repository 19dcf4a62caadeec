import { dirname } from 'node:path';

/** Folders that need no line: their content is not source. */
const EXEMPT = /^(\.git|node_modules)(\/|$)/;

/** Every folder that contains a file, directly or deeper, by its path, except the root. Pure. */
function foldersOf(files: readonly string[]): readonly string[] {
  const found = new Set<string>();
  for (const file of files) {
    for (let folder = dirname(file); folder !== '.'; folder = dirname(folder)) found.add(folder);
  }
  return [...found].filter((folder) => !EXEMPT.test(folder)).sort();
}

/**
 * Folders that the nearest README above them does not name, neither by their path from there nor by their own name, as
 * `name/` or in a link. `read` returns the text of a file of `files`. Pure.
 */
export function unnamedFolders(files: readonly string[], read: (path: string) => string): readonly string[] {
  const readmes = new Map(files.filter((path) => /(^|\/)README\.md$/.test(path)).map((path) => [dirname(path), path]));
  return foldersOf(files).flatMap((folder) => {
    let above = dirname(folder);
    while (above !== '.' && !readmes.has(above)) above = dirname(above);
    const readme = readmes.get(above);
    if (readme === undefined) return [`${folder}: no README above it`];
    const name = above === '.' ? folder : folder.slice(above.length + 1);
    const last = name.slice(name.lastIndexOf('/') + 1);
    return names(read(readme), name) || names(read(readme), last)
      ? []
      : [`${folder}: ${readme} does not name ${name}/`];
  });
}

function names(text: string, name: string): boolean {
  const written = name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(String.raw`(^|[^\w-])${written}(/|\b(?=[^\w.-]*[\x60\])]))`, 'm').test(text);
}

/** Folders with files of one kind of data, which the README above them describes. */
const DATA = /(^|\/)(fixtures|recordings|results|golden|templates|native|files|peers|firehose\/dashboards)(\/|$)/;
const MOST_WITHOUT_README = 3;

/** Folders of more than three files that have no README of their own. Pure. */
export function foldersWithoutReadme(files: readonly string[]): readonly string[] {
  return foldersOf(files).filter((folder) => {
    const own = files.filter((file) => dirname(file) === folder);
    return own.length > MOST_WITHOUT_README && !DATA.test(folder) && !own.includes(`${folder}/README.md`);
  });
}
