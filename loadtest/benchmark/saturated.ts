import { contenders, type ContenderName } from './contenders.ts';
import { measureSaturated } from './measurements.ts';
import { judge, TARGETS, type Ratio, type TargetName } from './ratios.ts';
import { note, progress, type RunContext } from './run-context.ts';
import { cpuPerDelivery, deliveriesPerCpuSecond, isDisturbed, type Sample } from './sample.ts';

const CONNECTIONS = 1_000;

/** What is compared with what, and by which figure. */
interface Comparison {
  readonly target: TargetName;
  readonly of: ContenderName;
  readonly against: ContenderName;
  readonly figure: (sample: Sample) => number;
  /** Nothing here is faster than write() alone: a round in which it is was disturbed. */
  readonly most?: number;
  readonly isFullAlone?: boolean;
}

const speed = deliveriesPerCpuSecond;
const cost = cpuPerDelivery;
const COMPARISONS: readonly Comparison[] = [
  { target: 'P1', of: 'gateway', against: 'floor128', figure: speed, most: 1 },
  { target: 'P2', of: 'stage', against: 'floor32', figure: speed, most: 1 },
  { target: 'P3', of: 'gateway', against: 'socketio', figure: speed },
  { target: 'P5', of: 'gateway', against: 'nats', figure: speed },
  { target: 'centrifugo', of: 'gateway', against: 'centrifugo', figure: speed },
  { target: 'P6', of: 'gateway', against: 'naive', figure: speed },
  { target: 'P7batch', of: 'stageDistinct', against: 'stage', figure: cost },
  { target: 'P7saturated', of: 'distinct', against: 'gateway', figure: cost },
  { target: 'P8', of: 'stage5000', against: 'stage100', figure: cost, isFullAlone: true },
  { target: 'P9', of: 'gateway', against: 'stage1', figure: speed, isFullAlone: true },
  { target: 'P13', of: 'stageTls', against: 'stage', figure: speed, isFullAlone: true },
];

/** A B C A B C. Each round gives one figure a ratio. */
export async function measureSaturatedRatios(run: RunContext): Promise<Ratio[]> {
  const { bench, mode, peers } = run;
  const { warmMs, windowMs } = mode;
  const seconds = (warmMs + windowMs) / 1_000 + 2;
  const field = contenders(bench, { connections: CONNECTIONS, seconds, peers });
  const asked = COMPARISONS.filter(
    ({ of, against, isFullAlone = false }) => of in field && against in field && (mode.name === 'full' || !isFullAlone),
  );
  const wanted = new Set(asked.flatMap(({ of, against }) => [of, against]));
  const order = (Object.keys(field) as ContenderName[]).filter((name) => wanted.has(name));
  const figures = new Map(asked.map(({ target }) => [target, [] as number[]]));
  for (let round = 1; round <= mode.rounds; round += 1) {
    progress(`round ${round} of ${mode.rounds}`);
    const samples = new Map<ContenderName, Sample>();
    for (const name of order) {
      const contender = field[name];
      if (contender === undefined) continue;
      const { connections = CONNECTIONS } = contender;
      samples.set(name, note(run, await measureSaturated(bench, contender, { connections, warmMs, windowMs })));
    }
    for (const one of asked) figures.get(one.target)?.push(compare(one, samples));
  }
  return asked.map(({ target }) => judge(TARGETS[target], figures.get(target) ?? []));
}

/** NaN when either was disturbed. */
function compare(comparison: Comparison, samples: ReadonlyMap<ContenderName, Sample>): number {
  const { of, against, figure, most = Number.POSITIVE_INFINITY } = comparison;
  const [a, b] = [samples.get(of), samples.get(against)];
  if (a === undefined || b === undefined || isDisturbed(a) || isDisturbed(b)) return Number.NaN;
  const ratio = figure(a) / figure(b);
  return ratio > most ? Number.NaN : ratio;
}
