import { measureSaturated, type Contender } from './measurements.ts';
import { judge, TARGETS, type Ratio, type TargetName } from './ratios.ts';
import { note, progress, type RunContext } from './run-context.ts';
import { cpuPerDelivery, isDisturbed, type Sample } from './sample.ts';

const CONNECTIONS = 1_000;

/** Names of two contenders. Of several names, the contender that was the cheapest in the round. */
interface Pair<Name extends string> {
  readonly of: Name | readonly Name[];
  readonly against: Name | readonly Name[];
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
    (one) => namesOf(one).every((name) => name in field) && (mode.name === 'full' || !(one.isFullAlone ?? false)),
  );
  const wanted = new Set(asked.flatMap((one) => [...namesOf(one), ...(one.yardstick ? namesOf(one.yardstick) : [])]));
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

const namesOf = <Name extends string>({ of, against }: Pair<Name>): readonly Name[] => [of, against].flat() as Name[];

/** NaN when either was disturbed. */
function compare<Name extends string>(
  samples: ReadonlyMap<Name, Sample>,
  { of, against }: Pair<Name>,
  { figure, most = Number.POSITIVE_INFINITY }: { figure: (sample: Sample) => number; most?: number | undefined },
): number {
  const [a, b] = [cheapest(samples, of), cheapest(samples, against)];
  if (a === undefined || b === undefined) return Number.NaN;
  const ratio = figure(a) / figure(b);
  return ratio > most ? Number.NaN : ratio;
}

/** Undefined when each of them was disturbed. */
function cheapest<Name extends string>(samples: ReadonlyMap<Name, Sample>, names: Name | readonly Name[]) {
  const found = [names].flat().map((name) => samples.get(name as Name));
  const counted = found.filter((sample) => sample !== undefined && !isDisturbed(sample)) as Sample[];
  return counted.toSorted((a, b) => cpuPerDelivery(a) - cpuPerDelivery(b))[0];
}
