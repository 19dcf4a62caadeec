import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { copyFile, mkdir, mkdtemp, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** The default command of an image's container; names as in an image's own configuration. */
export interface ImageConfig {
  readonly Entrypoint: readonly string[];
  readonly Cmd?: readonly string[];
  readonly User?: string;
  readonly WorkingDir?: string;
  readonly Env?: readonly string[];
}

export interface Image {
  /** Names that pods may use, such as `registry.example.com/firehose:1.0.0`: no registry is contacted. */
  readonly names: readonly string[];
  readonly config: ImageConfig;
  readonly layers: readonly Layer[];
}

/** Files of this machine, owned by root in the image. */
interface Layer {
  readonly folder: string;
  /** The copied part of the folder; default: everything. */
  readonly paths?: readonly string[];
  /** Patterns of `tar` for excluded files. */
  readonly excludes?: readonly string[];
  /** Its place in the image: `/app`. */
  readonly at?: string;
}

/** Writes an image in the format of `docker save`. */
export async function writeImage(file: string, { names, config, layers }: Image): Promise<void> {
  const draft = await mkdtemp(join(dirname(file), '.image-'));
  const digests: string[] = [];
  for (const layer of layers) digests.push(await writeLayer(draft, layer));
  const rootfs = { type: 'layers', diff_ids: digests.map((digest) => `sha256:${digest}`) };
  const image = { architecture: ARCHITECTURES[process.arch] ?? process.arch, os: 'linux', config, rootfs };
  const manifest = [{ Config: 'config.json', RepoTags: names, Layers: digests.map((digest) => `${digest}.tar`) }];
  await writeFile(join(draft, 'config.json'), JSON.stringify(image));
  await writeFile(join(draft, 'manifest.json'), JSON.stringify(manifest));
  await run('tar', ['-C', draft, '-cf', file, '.']);
  await rm(draft, { recursive: true });
}

/** Writes a layer's file, named by its digest, and returns the digest. */
async function writeLayer(draft: string, { folder, paths = ['.'], excludes = [], at = '/' }: Layer): Promise<string> {
  const place = at.replace(/^\/|\/$/g, '');
  const transform = `--transform=s,^\\./,,;s,^,${place}${place && '/'},`;
  const options = ['--owner=0', '--group=0', '--sort=name', transform, ...excludes.map((one) => `--exclude=${one}`)];
  const tar = spawn('tar', ['-C', folder, ...options, '-cf', '-', ...paths], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(tar, 'exit') as Promise<[number | null]>;
  const hash = createHash('sha256');
  const file = join(draft, 'layer.tar');
  const copy = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      hash.update(chunk);
      yield chunk;
    }
  };
  await pipeline(tar.stdout, copy, createWriteStream(file));
  const [code] = await exit;
  if (code !== 0) throw new Error(`tar of ${folder} ended with ${code}`);
  const digest = hash.digest('hex');
  await rename(file, join(draft, `${digest}.tar`));
  return digest;
}

/** An image of one program of this machine, with its linked libraries. */
export async function writeProgramImage(file: string, name: string, command: readonly string[]): Promise<void> {
  const layer = await mkdtemp(join(tmpdir(), 'firehose-layer-'));
  try {
    const [program = '', ...args] = command;
    await copyProgram(program, program, layer);
    await writeImage(file, {
      names: [name],
      config: { Entrypoint: [program], Cmd: args, User: '65532:65532' },
      layers: [{ folder: layer }],
    });
  } finally {
    await rm(layer, { recursive: true });
  }
}

/** Copies a program to `target` below `root`, and its libraries to the places where the linker searches them. */
export async function copyProgram(program: string, target: string, root: string): Promise<void> {
  await copyInto(root, program, target);
  await copyLibraries(program, root);
}

/**
 * Copies the libraries that `ldd` lists for a program or a library below `root`, to the places where the linker
 * searches them. A package may also contain libraries for other systems: those are skipped.
 */
export async function copyLibraries(program: string, root: string): Promise<void> {
  const stdout = await librariesOf(program);
  for (const [, path = ''] of stdout.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)) await copyInto(root, path, path);
}

async function librariesOf(program: string): Promise<string> {
  try {
    return (await run('ldd', [program])).stdout;
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    if (/not a dynamic executable/.test(stderr)) return '';
    throw error;
  }
}

async function copyInto(root: string, from: string, to: string): Promise<void> {
  await mkdir(dirname(join(root, to)), { recursive: true });
  await copyFile(await realpath(from), join(root, to));
}
