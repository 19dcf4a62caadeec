import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { Cluster } from './cluster.ts';
import { writeFirehoseImage } from './firehose-image.ts';
import { copyProgram, writeImage } from './image.ts';

const CHART = fileURLToPath(new URL('../../../charts/firehose/', import.meta.url));
const REDIS_PROGRAMS = ['redis-server', 'redis-cli'];

/** Puts what the chart runs, under the names that its values have, on every node; gives the names. `more` for Firehose. */
export async function loadImages(cluster: Cluster, ...more: readonly string[]): Promise<string[]> {
  const names = await imageNames();
  const file = join(cluster.folder, 'firehose.tar');
  await writeFirehoseImage(file, names.firehose, ...more);
  await cluster.load(file);
  await rm(file);
  return [names.firehose];
}

interface Values {
  readonly image: { readonly repository: string; readonly tag: string };
}

export async function imageNames(): Promise<{ firehose: string }> {
  const values = parse(await readFile(join(CHART, 'values.yaml'), 'utf8')) as Values;
  const chart = parse(await readFile(join(CHART, 'Chart.yaml'), 'utf8')) as { appVersion: string };
  const { repository, tag } = values.image;
  return { firehose: `${repository}:${tag === '' ? chart.appVersion : tag}` };
}

/** What the official image of this name has at the same places: the server and its command line. */
export async function writeRedisImage(file: string, name: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-layer-'));
  try {
    for (const program of REDIS_PROGRAMS) await copyProgram(`/usr/bin/${program}`, `/usr/local/bin/${program}`, folder);
    const config = { Entrypoint: [], Cmd: ['redis-server'], User: '999:999', Env: ['PATH=/usr/local/bin'] };
    await writeImage(file, { names: [name], config, layers: [{ folder }] });
  } finally {
    await rm(folder, { recursive: true });
  }
}
