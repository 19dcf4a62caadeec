import { readdir, readFile } from 'node:fs/promises';
import { mutate } from './mutate.ts';
import type { Random } from '../hostile.ts';

const FOLDER = new URL('corpus/', import.meta.url);

export type Surface = 'login' | 'ingest' | 'upgrade' | 'events' | 'frames' | 'directory' | 'subscription';

/** Every stored input for a surface, in the order of file names. */
export async function readCorpus(surface: Surface): Promise<Buffer[]> {
  const folder = new URL(`${surface}/`, FOLDER);
  const names = (await readdir(folder)).toSorted();
  return Promise.all(names.map((name) => readFile(new URL(name, folder))));
}

/** The corpus unchanged, then `count` mutations of it. */
export function* inputsOf(corpus: readonly Buffer[], count: number, random: Random): Generator<Buffer> {
  yield* corpus;
  for (let made = 0; made < count; made += 1) {
    const from = corpus[Math.floor(random() * corpus.length)] ?? Buffer.alloc(0);
    yield mutate(from, random);
  }
}
