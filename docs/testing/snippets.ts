import { codeBlocks, type CodeBlock } from '../markdown.ts';
import { documentationPages, readRepositoryFile } from '../repository.ts';

export interface PlacedBlock extends CodeBlock {
  readonly page: string;
}

/** Every block of code of the documentation, with its page. */
export function documentedBlocks(): readonly PlacedBlock[] {
  return documentationPages().flatMap((page) =>
    codeBlocks(readRepositoryFile(page)).map((block) => ({ ...block, page })),
  );
}

/** The code of the blocks with this name in `<!-- run: name -->`. Throws when there is none, or when they differ. */
export function snippet(name: string): string {
  const found = documentedBlocks().filter((block) => block.run === name);
  const [first] = found;
  if (first === undefined) throw new Error(`no page has a block of code with <!-- run: ${name} -->`);
  const other = found.find(({ code }) => code !== first.code);
  if (other !== undefined) throw new Error(`'${name}' differs between ${first.page} and ${other.page}`);
  return first.code;
}
