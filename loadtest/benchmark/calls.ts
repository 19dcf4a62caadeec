import { fileURLToPath } from 'node:url';
import { keptUp, measurePaced, measureSaturated, type PacedSample } from './measurements.ts';
import { start, yieldCore } from './processes.ts';
import { judge, TARGETS, type Ratio } from './ratios.ts';
import { note, progress, type RunContext } from './run-context.ts';
import { cpuPerDelivery, isDisturbed, type Sample } from './sample.ts';
import { startGateway, type Server } from './servers.ts';

const LEGS = 100_000;
/** Fewest snapshots a second that count as a reader; one a second is due. */
const LEAST_READS = 0.5;
const EVENTS = 20_000;
const QUIET = { connections: 100, rate: 1_000, warmSeconds: 1.5 } as const;
const BUSY = { connections: 1_000, rate: 3_000, warmSeconds: 1.5, isNearLimit: true } as const;
const SATURATED = { filters: 1, content: 'complete', ahead: 8_000, fillerEvery: 5 } as const;

interface TableCost {
  readonly redisOn: number;
  readonly redisOff: number;
  readonly snapshotMs: number;
  readonly hvalsMs: number;
}

/** P19 and P20: cost of the table for Redis, and duration of a snapshot. */
export async function measureTable({ bench, mode }: RunContext): Promise<Ratio[]> {
  const figures = { cost: [] as number[], time: [] as number[] };
  for (let round = 1; round <= mode.durableRounds; round += 1) {
    await bench.redis.restart();
    const file = fileURLToPath(new URL('../../gateway/calls/calls.bench.ts', import.meta.url));
    const command = [process.execPath, file, '--url', bench.redis.url, '--events', String(EVENTS)];
    await using table = await start(command, { place: 'server' });
    const told = await table.next((line) => (line.startsWith('{') ? (JSON.parse(line) as TableCost) : null), 120_000);
    progress(
      `  live calls: ${told.redisOn.toFixed(1)} us of Redis an event, ${told.redisOff.toFixed(1)} without; a snapshot ` +
        `${told.snapshotMs.toFixed(2)} ms, HVALS ${told.hvalsMs.toFixed(2)} ms`,
    );
    figures.cost.push(told.redisOn / told.redisOff);
    figures.time.push(told.snapshotMs / told.hvalsMs);
  }
  return [judge(TARGETS.P19, figures.cost), judge(TARGETS.P20, figures.time)];
}

/** P18: the same table, with and without a client that reads all of it. */
export async function measureReaders(run: RunContext): Promise<Ratio[]> {
  const figures: number[] = [];
  for (let round = 1; round <= run.mode.pacedRounds; round += 1) {
    const read: ReadCount = { reads: 0, ms: 0 };
    const take = async (reads: ReadCount | null) => {
      const step = { ...QUIET, seconds: run.mode.pacedSeconds };
      const name = reads === null ? 'gateway, live calls' : 'gateway, snapshots beside it';
      return note(run, await measurePaced(run.bench, { name, start: () => startWithLegs(run, reads) }, step), true);
    };
    const without = await take(null);
    const beside = await take(read);
    const aSecond = (read.reads * 1_000) / read.ms;
    progress(`  ${aSecond.toFixed(2)} snapshots of ${LEGS} live calls a second`);
    // A reader that had no core, or got no answers, disturbed nobody.
    figures.push(aSecond < LEAST_READS ? Number.NaN : moved(beside, without));
  }
  return [judge(TARGETS.P18, figures)];
}

/** Cost of a delivery in P1 with live calls. Each side is first in half of the rounds. */
export async function measureCallsCost(run: RunContext): Promise<Ratio[]> {
  const { warmMs, windowMs, rounds } = run.mode;
  const take = async (calls: boolean) => {
    const contender = { ...SATURATED, ...contenderOf(run, calls) };
    return note(run, await measureSaturated(run.bench, contender, { connections: 1_000, warmMs, windowMs }));
  };
  const figures: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const first = round % 2 === 1 ? null : await take(true);
    const off = await take(false);
    figures.push(dearer(first ?? (await take(true)), off));
  }
  return [judge(TARGETS.P1calls, figures)];
}

/** The p99 differs by a half between two windows with the same settings: as many rounds more. */
const PAIRS = 2;

/** The p99 of P11 with live calls. Each side is first in half of the rounds. */
export async function measureCallsLatency(run: RunContext): Promise<Ratio[]> {
  const { pacedRounds, pacedSeconds: seconds } = run.mode;
  const take = async (calls: boolean) =>
    note(run, await measurePaced(run.bench, contenderOf(run, calls), { ...BUSY, seconds }), true);
  const figures: number[] = [];
  for (let round = 1; round <= pacedRounds * PAIRS; round += 1) {
    const first = round % 2 === 1 ? null : await take(true);
    const off = await take(false);
    figures.push(moved(first ?? (await take(true)), off));
  }
  return [judge(TARGETS.P11calls, figures)];
}

function contenderOf({ bench }: RunContext, calls: boolean) {
  return { name: calls ? 'gateway, live calls' : 'gateway', start: () => startGateway(bench, 1, { calls }) };
}

function dearer(one: Sample, other: Sample): number {
  return isDisturbed(one) || isDisturbed(other) ? Number.NaN : cpuPerDelivery(one) / cpuPerDelivery(other);
}

function moved(one: PacedSample, other: PacedSample): number {
  if (isDisturbed(one) || isDisturbed(other) || !keptUp(other)) return Number.NaN;
  return keptUp(one) ? one.end.p99Us / other.end.p99Us : Number.POSITIVE_INFINITY;
}

/** Snapshots that a reader has taken, and in which time. */
interface ReadCount {
  reads: number;
  ms: number;
}

/**
 * A gateway with many legs in its table. With `reads`, one client reads all of them every second; `reads` then
 * has how often it did.
 */
async function startWithLegs({ bench }: RunContext, reads: ReadCount | null): Promise<Server> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startGateway(bench, 1, { calls: true }));
  const file = fileURLToPath(new URL('calls-reader.ts', import.meta.url));
  const environment = {
    PORT: String(server.port),
    REDIS_URL: bench.redis.url,
    LEGS: String(LEGS),
  };
  const reader = stack.use(await start([process.execPath, file], { place: 'load', environment }));
  await reader.next((line) => (line.startsWith('{"ready"') ? true : null), 120_000);
  yieldCore(reader.pid);
  if (reads !== null) reader.tell('read');
  const owned = stack.move();
  const close = async () => {
    if (reads !== null) Object.assign(reads, await reader.ask<ReadCount>('count', 60_000));
    await owned.disposeAsync();
  };
  return { ...server, [Symbol.asyncDispose]: close };
}
