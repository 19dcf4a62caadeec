import { keptUp, measurePaced, measureSaturated, type Contender, type PacedSample } from './measurements.ts';
import { startSocketIo } from './peers/start-socketio.ts';
import { judge, TARGETS, type Ratio } from './ratios.ts';
import { note, progress, type RunContext } from './run-context.ts';
import { deliveriesPerCpuSecond, isDisturbed, type Sample } from './sample.ts';
import { startGateway, startPacedFloor, type Bench } from './servers.ts';

const PACED = {
  P11few: { connections: 10, rate: 10_000 },
  P11many: { connections: 1_000, rate: 3_000, isNearLimit: true },
} as const;
const WARM_SECONDS = 1.5;
/** So low that every write contains one event. */
const SELDOM = { connections: 1_000, rate: 20, warmSeconds: WARM_SECONDS } as const;
/** What only write() takes of the core then. */
const seldomFloor = (bench: Bench): Contender => ({
  name: 'C floor, 20 events/s',
  filters: 0,
  content: 'none',
  ahead: 0,
  fillerEvery: 0,
  start: () => startPacedFloor(bench, SELDOM.rate),
});

/** P11: from the time at which an event was due until its frame was read. P4, if socket.io is available. */
export async function measureLatencies(run: RunContext): Promise<Ratio[]> {
  const { bench, mode } = run;
  const ratios: Ratio[] = [];
  for (const name of ['P11few', 'P11many'] as const) {
    const milliseconds: number[] = [];
    for (let round = 1; round <= mode.pacedRounds; round += 1) {
      const step = { ...PACED[name], warmSeconds: WARM_SECONDS, seconds: mode.pacedSeconds };
      const sample = note(
        run,
        await measurePaced(bench, { name: 'gateway', start: () => startGateway(bench, 1) }, step),
        true,
      );
      const p99 = keptUp(sample) ? sample.end.p99Us / 1_000 : notKeptUp(sample);
      milliseconds.push(isDisturbed(sample) ? Number.NaN : p99);
    }
    ratios.push(judge(TARGETS[name], milliseconds));
  }
  return [...ratios, ...(await seldom(run))];
}

async function seldom(run: RunContext): Promise<Ratio[]> {
  const { bench, mode, peers } = run;
  const socketio = peers.get('socketio');
  if (socketio === undefined) return [];
  const [figures, yardsticks]: [number[], number[]] = [[], []];
  for (let round = 1; round <= mode.pacedRounds; round += 1) {
    const step = { ...SELDOM, seconds: mode.pacedSeconds };
    const ours = await measurePaced(bench, { name: 'gateway', start: () => startGateway(bench, 1) }, step);
    const theirs = await measurePaced(
      bench,
      { name: 'socket.io', start: () => startSocketIo(bench, socketio.path) },
      step,
    );
    const window = { connections: SELDOM.connections, warmMs: 1_000 * WARM_SECONDS, windowMs: 1_000 * step.seconds };
    const least = await measureSaturated(bench, seldomFloor(bench), window);
    for (const sample of [ours, theirs]) note(run, sample, true);
    note(run, least);
    const against = (sample: Sample) => deliveriesPerCpuSecond(sample) / deliveriesPerCpuSecond(theirs);
    const isFair = [ours, theirs].every((sample) => keptUp(sample) && !isDisturbed(sample));
    figures.push(isFair ? against(ours) : Number.NaN);
    yardsticks.push(isFair && !isDisturbed(least) ? against(least) : Number.NaN);
  }
  return [judge(TARGETS.P4, figures, yardsticks)];
}

function notKeptUp(sample: PacedSample): number {
  const { backlog, published } = sample;
  progress(
    `  did not keep up: ${backlog} deliveries behind, published ${Math.round(published.lateUs / 1_000)} ms late`,
  );
  return Number.POSITIVE_INFINITY;
}
