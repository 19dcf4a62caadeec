import { measureSaturated, type Contender } from './measurements.ts';
import { judge, TARGETS, type Ratio, type TargetName } from './ratios.ts';
import { note, progress, type RunContext } from './run-context.ts';
import { isDisturbed, type Sample } from './sample.ts';

const CONNECTIONS = 1_000;

/** Names of two contenders. */
interface Pair<Name extends string> {
  readonly of: Name;
  readonly against: Name;
}

/** The compared contenders, and the compared figure. */
export interface Comparison<Name extends string> extends Pair<Name> {
  readonly target: TargetName;
  readonly figure: (sample: Sample) => number;
  /** Nothing here is faster than write() alone: a round in which something is was disturbed. */
  readonly most?: number;
  readonly isFullAlone?: boolean;
  /** The same ratio for the C floor, which only writes: the target is a share of it. */
  readonly yardstick?: Pair<Name>;
}

/** A B C A B C, in the order of the field. Each round gives one figure for each ratio. */
export async function measureComparisons<Name extends string>(
  run: RunContext,
  field: Partial<Record<Name, Contender>>,
  comparisons: readonly Comparison<Name>[],
): Promise<Ratio[]> {
  const { bench, mode } = run;
  const { warmMs, windowMs } = mode;
  const asked = comparisons.filter(
    ({ of, against, isFullAlone = false }) => of in field && against in field && (mode.name === 'full' || !isFullAlone),
  );
  const wanted = new Set(asked.flatMap(({ of, against, yardstick }) => [of, against, ...namesOf(yardstick)]));
  const order = (Object.keys(field) as Name[]).filter((name) => wanted.has(name));
  const figures = new Map(asked.map(({ target }) => [target, { ratios: [] as number[], yardsticks: [] as number[] }]));
  for (let round = 1; round <= mode.rounds; round += 1) {
    progress(`round ${round} of ${mode.rounds}`);
    const samples = new Map<Name, Sample>();
    for (const name of order) {
      const contender = field[name];
      if (contender === undefined) continue;
      const { connections = CONNECTIONS } = contender;
      samples.set(name, note(run, await measureSaturated(bench, contender, { connections, warmMs, windowMs })));
    }
    for (const one of asked) {
      const { figure, yardstick, most } = one;
      figures.get(one.target)?.ratios.push(compare(samples, one, { figure, most }));
      if (yardstick) figures.get(one.target)?.yardsticks.push(compare(samples, yardstick, { figure }));
    }
  }
  return asked.map(({ target }) => {
    const { ratios = [], yardsticks = [] } = figures.get(target) ?? {};
    return judge(TARGETS[target], ratios, yardsticks);
  });
}

const namesOf = <Name extends string>(pair: Pair<Name> | undefined) =>
  pair === undefined ? [] : [pair.of, pair.against];

/** NaN when either was disturbed. */
function compare<Name extends string>(
  samples: ReadonlyMap<Name, Sample>,
  { of, against }: Pair<Name>,
  { figure, most = Number.POSITIVE_INFINITY }: { figure: (sample: Sample) => number; most?: number | undefined },
): number {
  const [a, b] = [samples.get(of), samples.get(against)];
  if (a === undefined || b === undefined || isDisturbed(a) || isDisturbed(b)) return Number.NaN;
  const ratio = figure(a) / figure(b);
  return ratio > most ? Number.NaN : ratio;
}
