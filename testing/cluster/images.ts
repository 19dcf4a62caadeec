import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { Cluster } from './cluster.ts';
import { writeFirehoseImage } from './firehose-image.ts';
import { copyProgram, writeImage } from './image.ts';

const CHART = fileURLToPath(new URL('../../charts/firehose/', import.meta.url));
const REDIS_PROGRAMS = ['redis-server', 'redis-cli'];

/** Images of the chart with its default values, including the demo's Redis. */
export interface ChartImages {
  readonly firehose: string;
  readonly redis: string;
}

/** Loads the chart's images into every node, under the names in its values. `more` are further names of Firehose. */
export async function loadImages(cluster: Cluster, ...more: readonly string[]): Promise<ChartImages> {
  const names = await imageNames();
  const load = async (file: string, write: (path: string) => Promise<void>) => {
    const path = join(cluster.folder, file);
    await write(path);
    await cluster.load(path);
    await rm(path);
  };
  await load('firehose.tar', (file) => writeFirehoseImage(file, names.firehose, ...more));
  await load('redis.tar', (file) => writeRedisImage(file, names.redis));
  return names;
}

interface ImageValue {
  readonly repository: string;
  readonly tag: string;
}

async function imageNames(): Promise<ChartImages> {
  const values = parse(await readFile(join(CHART, 'values.yaml'), 'utf8')) as {
    image: ImageValue;
    demo: { redis: { image: ImageValue } };
  };
  const { appVersion } = parse(await readFile(join(CHART, 'Chart.yaml'), 'utf8')) as { appVersion: string };
  const nameOf = ({ repository, tag }: ImageValue) => `${repository}:${tag === '' ? appVersion : tag}`;
  return { firehose: nameOf(values.image), redis: nameOf(values.demo.redis.image) };
}

/** The same places as in the official image: the server and its command line. */
async function writeRedisImage(file: string, name: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-layer-'));
  try {
    for (const program of REDIS_PROGRAMS) await copyProgram(`/usr/bin/${program}`, `/usr/local/bin/${program}`, folder);
    const config = { Entrypoint: [], Cmd: ['redis-server'], User: '999:999', Env: ['PATH=/usr/local/bin'] };
    await writeImage(file, { names: [name], config, layers: [{ folder }] });
  } finally {
    await rm(folder, { recursive: true });
  }
}
