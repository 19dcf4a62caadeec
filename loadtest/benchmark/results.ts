import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { plotOf, type Grown } from './growth.ts';
import { drawPlot } from './plot.ts';
import { table } from './report.ts';

/** Everything that a run has printed and drawn. */
export interface Results {
  /** `2026-01-31`. */
  readonly date: string;
  readonly machine: string;
  readonly ratios: string;
  readonly verdict: string;
  readonly samples: string;
  readonly curves: readonly Grown[];
  /** Requirements of many connections; empty where they could not be measured. */
  readonly fleet: string;
}

/** The curves as text: sizes down, lines across. */
export function growthTables(curves: readonly Grown[]): string {
  return curves
    .map(({ title, x, y, lines }) => {
      const sizes = lines[0]?.values.map((value) => value.x) ?? [];
      const rows = sizes.map((size, at) => [
        size.toLocaleString('en-US'),
        ...lines.map(({ values }) => figure(values[at]?.y ?? Number.NaN)),
      ]);
      return `${title} (${y})\n\n${table([x, ...lines.map(({ name }) => name)], rows)}`;
    })
    .join('\n\n');
}

/** README.md and a picture for each curve; replaces those of an earlier run. */
export async function keepResults(folder: string, results: Results): Promise<void> {
  const { date, machine, ratios, verdict, samples, curves, fleet } = results;
  await mkdir(folder, { recursive: true });
  const block = (text: string) => `\`\`\`text\n${text}\n\`\`\``;
  const pictures: string[] = [];
  for (const grown of curves) {
    const plot = plotOf(grown);
    if (plot.lines.length === 0) continue;
    const file = `${grown.title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.svg`;
    await writeFile(join(folder, file), drawPlot(plot));
    pictures.push(`![${grown.title}](${file})`);
  }
  const text = [
    '# Results',
    `\`npm run bench -- full\` on ${date}, written by it.`,
    block(machine),
    block(`${ratios}\n\n${verdict}`),
    '## Growth',
    ...pictures,
    block(growthTables(curves)),
    ...(fleet === '' ? [] : ['## A fleet', block(fleet)]),
    '## Every sample',
    block(samples),
  ];
  await writeFile(join(folder, 'README.md'), `${text.join('\n\n')}\n`);
}

function figure(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : 'none';
}
