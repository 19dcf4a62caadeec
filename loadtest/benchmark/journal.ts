import { fileURLToPath } from 'node:url';
import { start } from './processes.ts';
import { judge, TARGETS, type Ratio } from './ratios.ts';
import { progress, type RunContext } from './run-context.ts';

interface JournalCost {
  readonly share: number;
  readonly written: number;
  readonly dropped: number;
}

/** P21: what the session journal takes of the core that delivers. */
export async function measureJournal({ bench, mode }: RunContext): Promise<Ratio[]> {
  const shares: number[] = [];
  for (let round = 1; round <= mode.durableRounds; round += 1) {
    await bench.redis.restart();
    const file = fileURLToPath(new URL('../../gateway/journal/journal.bench.ts', import.meta.url));
    await using run = await start([process.execPath, file, '--url', bench.redis.url], { place: 'server' });
    const told = await run.next((line) => (line.startsWith('{') ? (JSON.parse(line) as JournalCost) : null), 120_000);
    if (told.dropped > 0) throw new Error(`the journal lost ${told.dropped} entries`);
    progress(`  journal: ${(told.share * 100).toFixed(2)} % of a core, ${told.written} entries`);
    shares.push(told.share);
  }
  return [judge(TARGETS.P21, shares)];
}
