/** A metric as Prometheus scrapes it. */
export interface Exposed {
  readonly kind: string;
  readonly samples: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

const TYPE = /^# TYPE (\S+) (\S+)$/;
const SAMPLE = /^(\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? (\S+)(?: \d+)?$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** The metrics of an exposition by name; the bound of a histogram's bucket is not a label. */
export function parseExposition(text: string): ReadonlyMap<string, Exposed> {
  const found = new Map<string, { kind: string; samples: Exposed['samples'][number][] }>();
  let name = '';
  for (const line of text.split('\n')) {
    const type = TYPE.exec(line);
    if (type !== null) {
      name = type[1] ?? '';
      found.set(name, { kind: type[2] ?? '', samples: [] });
      continue;
    }
    const sample = SAMPLE.exec(line);
    if (sample === null || line.startsWith('#')) continue;
    const labels = Object.fromEntries(
      [...(sample[2] ?? '').matchAll(LABEL)].map(([, key = '', value = '']) => [key, value]),
    );
    delete labels['le'];
    found.get(name)?.samples.push({ labels, value: Number(sample[3]) });
  }
  return found;
}
