import { fileURLToPath } from 'node:url';
import { keptUp, measurePaced, type PacedSample } from './measurements.ts';
import { start } from './processes.ts';
import { judge, TARGETS, type Ratio } from './ratios.ts';
import { note, progress, type RunContext } from './run-context.ts';
import { isDisturbed } from './sample.ts';
import { startGateway } from './servers.ts';

interface JournalCost {
  readonly share: number;
  readonly written: number;
  readonly dropped: number;
}

interface ExplanationCost {
  readonly p50: number;
  readonly p95: number;
  readonly first: number;
}

const LONGEST_JOURNAL = 100_000;
/** As in P11. */
const STEPS = {
  P21few: { connections: 10, rate: 10_000, warmSeconds: 1.5 },
  P21many: { connections: 1_000, rate: 3_000, warmSeconds: 1.5, isNearLimit: true },
} as const;
/**
 * Samples of each side in a round. With 10 connections one in a hundred events waits for the collector of the second
 * core or for a turn there, and p99 of the same server differs by a tenth from sample to sample.
 */
const SAMPLES = { P21few: 2, P21many: 1 } as const;

/** P21: what the session journal takes of the core that delivers. */
export async function measureJournal({ bench, mode }: RunContext): Promise<Ratio[]> {
  const shares: number[] = [];
  for (let round = 1; round <= mode.durableRounds; round += 1) {
    await bench.redis.restart();
    const told = await run<JournalCost>('journal/journal.bench.ts', ['--url', bench.redis.url]);
    if (told.dropped > 0) throw new Error(`the journal lost ${told.dropped} entries`);
    progress(`  journal: ${(told.share * 100).toFixed(2)} % of a core, ${told.written} entries`);
    shares.push(told.share);
  }
  return [judge(TARGETS.P21, shares)];
}

/**
 * P21: what the journal costs in latency. The sides take turns within a round, as A B B A, so that a machine that becomes
 * slower or faster meanwhile is so for both; each side is first in half of the rounds.
 */
export async function measureJournalLatency(context: RunContext): Promise<Ratio[]> {
  const ratios: Ratio[] = [];
  for (const name of ['P21few', 'P21many'] as const) {
    const take = async (hasNoJournal: boolean) => {
      const step = { ...STEPS[name], seconds: context.mode.pacedSeconds };
      const contender = {
        name: hasNoJournal ? 'gateway without its journal' : 'gateway',
        start: () => startGateway(context.bench, 1, { hasNoJournal }),
      };
      return note(context, await measurePaced(context.bench, contender, step), true);
    };
    const figures: number[] = [];
    for (let round = 1; round <= context.mode.pacedRounds; round += 1) {
      const first = round % 2 === 1;
      const order = [first, !first, !first, first].slice(0, 2 * SAMPLES[name]);
      const samples: { readonly hasNoJournal: boolean; readonly sample: PacedSample }[] = [];
      for (const hasNoJournal of order) samples.push({ hasNoJournal, sample: await take(hasNoJournal) });
      const of = (side: boolean) =>
        samples.flatMap(({ hasNoJournal, sample }) => (hasNoJournal === side ? [sample] : []));
      figures.push(moved(of(false), of(true)));
    }
    ratios.push(judge(TARGETS[name], figures));
  }
  return ratios;
}

/** The mean p99 of one side against that of the other. */
function moved(those: readonly PacedSample[], others: readonly PacedSample[]): number {
  if ([...those, ...others].some(isDisturbed) || !others.every(keptUp)) return Number.NaN;
  const sum = (samples: readonly PacedSample[]) => samples.reduce((total, { end }) => total + end.p99Us, 0);
  return those.every(keptUp) ? sum(those) / sum(others) : Number.POSITIVE_INFINITY;
}

/** P21: an explanation of a recent event, beside a journal that is full. */
export async function measureExplanations({ bench, mode }: RunContext): Promise<Ratio[]> {
  const figures: number[] = [];
  for (let round = 1; round <= mode.durableRounds; round += 1) {
    await bench.redis.restart();
    const args = ['--url', bench.redis.url, '--entries', String(LONGEST_JOURNAL)];
    const { p50, p95, first } = await run<ExplanationCost>('explain/explain.bench.ts', args);
    progress(`  explanation: ${p50} ms, p95 ${p95} ms, the first one ${first} ms`);
    figures.push(p95);
  }
  return [judge(TARGETS.P21explain, figures)];
}

/** The line of JSON that a program of the gateway prints. */
async function run<T>(program: string, args: readonly string[]): Promise<T> {
  const file = fileURLToPath(new URL(`../../gateway/${program}`, import.meta.url));
  await using started = await start([process.execPath, file, ...args], { place: 'server' });
  return await started.next((line) => (line.startsWith('{') ? (JSON.parse(line) as T) : null), 120_000);
}
