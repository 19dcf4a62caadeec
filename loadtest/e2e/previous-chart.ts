import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CHART } from './installed.ts';

/**
 * A copy of the chart like an earlier version: with an older version number, and with a definition that lacks the short
 * name. It shows what an upgrade must update.
 */
export async function writePreviousChart(folder: string): Promise<string> {
  const copy = join(folder, 'previous-chart');
  await cp(CHART, copy, { recursive: true });
  await change(join(copy, 'Chart.yaml'), /^version: .*$/m, 'version: 0.0.1');
  await change(join(copy, 'templates/crds/firehosesubscriptions.yaml'), /\n\s+shortNames:\n\s+- fhs\n/, '\n');
  return copy;
}

async function change(file: string, place: RegExp, text: string): Promise<void> {
  const before = await readFile(file, 'utf8');
  if (!place.test(before)) throw new Error(`${file}: there is no ${String(place)}`);
  await writeFile(file, before.replace(place, text));
}
