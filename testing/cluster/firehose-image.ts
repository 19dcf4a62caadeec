import { glob, mkdtemp, readFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { copyLibraries, copyProgram, writeImage, type ImageConfig } from './image.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const NODE = '/usr/local/bin/node';

/**
 * Writes the image that the Dockerfile describes (user, paths, environment, entry point, copied files), from this
 * checkout and its installed packages. This machine's node and its libraries replace the base image.
 */
export async function writeFirehoseImage(file: string, ...names: readonly string[]): Promise<void> {
  const stage = readLastStage(await readFile(join(ROOT, 'Dockerfile'), 'utf8'));
  const config = configOf(stage);
  const at = config.WorkingDir ?? '/';
  const runtime = await mkdtemp(join(tmpdir(), 'firehose-layer-'));
  try {
    await copyProgram(process.execPath, NODE, runtime);
    const packages = await productionPackages();
    for (const path of packages) {
      for await (const addon of glob('**/*.node', { cwd: join(ROOT, path) })) {
        await copyLibraries(join(ROOT, path, addon), runtime);
      }
    }
    const excludes = excludesOf(await readFile(join(ROOT, '.dockerignore'), 'utf8'));
    const layers = [
      { folder: runtime },
      { folder: ROOT, paths: packages, at },
      ...copiesOf(stage).map(({ paths, to }) => ({ folder: ROOT, paths, excludes, at: join(at, to) })),
    ];
    await writeImage(file, { names, config, layers });
  } finally {
    await rm(runtime, { recursive: true, force: true });
  }
}

interface Instruction {
  readonly word: string;
  readonly text: string;
}

/** The instructions of a Dockerfile's last stage, in order. Pure. */
export function readLastStage(text: string): Instruction[] {
  const lines = text
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => ({ word: line.split(/\s/)[0] ?? '', text: line.replace(/^\S+\s+/, '').trim() }));
  return lines.slice(lines.findLastIndex(({ word }) => word === 'FROM') + 1);
}

/** The container configuration in the last stage. Pure. */
export function configOf(stage: readonly Instruction[]): ImageConfig {
  const all = (word: string) => stage.filter((one) => one.word === word).map(({ text }) => text);
  const list = (word: string) => JSON.parse(all(word).at(-1) ?? '[]') as string[];
  return {
    Entrypoint: list('ENTRYPOINT'),
    Cmd: list('CMD'),
    User: all('USER').at(-1) ?? '',
    WorkingDir: all('WORKDIR').at(-1) ?? '/',
    Env: all('ENV').flatMap((line) => line.split(/\s+/)),
  };
}

/** The installed packages of production, without the node that npm installs. */
async function productionPackages(): Promise<string[]> {
  const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean }>;
  };
  return Object.entries(lock.packages)
    .filter(([path, { dev, devOptional }]) => path.startsWith('node_modules/') && dev !== true && devOptional !== true)
    .map(([path]) => path)
    .filter(
      (path) => !path.includes('/node-linux-') && !path.includes('/node_modules/') && existsSync(join(ROOT, path)),
    );
}

/** `COPY a ./b` of the checkout, in order; files from another stage are in the other layers. Pure. */
export function copiesOf(stage: readonly Instruction[]): { paths: readonly string[]; to: string }[] {
  return stage
    .filter(({ word, text }) => word === 'COPY' && !text.startsWith('--from'))
    .map(({ text }) => {
      const paths = text.split(/\s+/);
      const to = paths.pop() ?? '.';
      // A single folder becomes the target, anything else goes into it: here both have the same name.
      return { paths, to: dirname(to.endsWith('/') ? `${to}x` : to) };
    });
}

/** Files of the copied folders that the build's context excludes, as patterns of `tar`. Pure. */
export function excludesOf(dockerignore: string): string[] {
  const isPattern = (line: string) => line !== '' && line !== '*' && !line.startsWith('#') && !line.startsWith('!');
  return dockerignore
    .split('\n')
    .map((line) => line.trim())
    .filter(isPattern)
    .map((line) => line.replace(/^\*\*\//, ''));
}
