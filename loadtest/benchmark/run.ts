/**
 * `npm run bench`: how fast the gateway is, as ratios of one run (see README.md). `-- full` takes longer and more rounds.
 * Ends with 1 when a floor is missed or an event was lost, doubled or out of order; with 2 when it cannot run here.
 */
import { startRedis } from '../../runtime/testing/redis-server.ts';
import { CompilerFault, compilePrograms, type Programs } from './compile.ts';
import { writeConfiguration } from './configuration.ts';
import { contenders } from './contenders.ts';
import { describeMachine } from './machine.ts';
import { keptUp, measurePaced, measureSaturated, type PacedSample } from './measurements.ts';
import { pin } from './processes.ts';
import { judge, TARGETS, type Ratio } from './ratios.ts';
import { ratioTable, sampleRow, sampleTable } from './report.ts';
import { cpuPerDelivery, deliveriesPerCpuSecond, faultsOf, isDisturbed, type Sample } from './sample.ts';
import { measureDurable, measureMatch, startGateway, type Bench } from './servers.ts';

const CONNECTIONS = 1_000;
const MODES = {
  quick: {
    rounds: 5,
    warmMs: 400,
    windowMs: 1_000,
    pacedRounds: 3,
    pacedSeconds: 3,
    durableRounds: 3,
    durableEvents: 60_000,
  },
  full: {
    rounds: 7,
    warmMs: 1_000,
    windowMs: 4_000,
    pacedRounds: 3,
    pacedSeconds: 10,
    durableRounds: 5,
    durableEvents: 200_000,
  },
} as const;
type Mode = (typeof MODES)[keyof typeof MODES];
const PACED = { P11few: { connections: 10, rate: 10_000 }, P11many: { connections: 1_000, rate: 3_000 } } as const;

const rows: string[][] = [];
const faults: string[] = [];

function note<T extends Sample>(sample: T, paced = false): T {
  rows.push(sampleRow(sample, paced));
  faults.push(...faultsOf(sample).map((fault) => `${sample.name}: ${fault}`));
  progress(`  ${sample.name}: ${cpuPerDelivery(sample).toFixed(3)} us of CPU a delivery`);
  return sample;
}

/** P1, P2, P6 and P7: A B C A B C. Each round gives one figure a ratio. */
async function saturated(bench: Bench, mode: Mode): Promise<Ratio[]> {
  const { warmMs, windowMs } = mode;
  const seconds = (warmMs + windowMs) / 1_000 + 2;
  const field = contenders(bench, { connections: CONNECTIONS, seconds });
  const window = { connections: CONNECTIONS, warmMs, windowMs };
  const measure = async (name: keyof typeof field) => note(await measureSaturated(bench, field[name], window));
  const rounds: Record<'P1' | 'P2' | 'P6' | 'P7batch' | 'P7saturated', number>[] = [];
  for (let round = 1; round <= mode.rounds; round += 1) {
    progress(`round ${round} of ${mode.rounds}`);
    const ratio = (a: Sample, b: Sample, figure: (sample: Sample) => number) =>
      isDisturbed(a) || isDisturbed(b) ? Number.NaN : figure(a) / figure(b);
    const floor128 = await measure('floor128');
    const gateway = await measure('gateway');
    const naive = await measure('naive');
    const distinct = await measure('distinct');
    const floor32 = await measure('floor32');
    const stage = await measure('stage');
    const stageDistinct = await measure('stageDistinct');
    rounds.push({
      P1: credible(ratio(gateway, floor128, deliveriesPerCpuSecond)),
      P2: credible(ratio(stage, floor32, deliveriesPerCpuSecond)),
      P6: ratio(gateway, naive, deliveriesPerCpuSecond),
      P7batch: ratio(stageDistinct, stage, cpuPerDelivery),
      P7saturated: ratio(distinct, gateway, cpuPerDelivery),
    });
  }
  const names = ['P1', 'P2', 'P6', 'P7batch', 'P7saturated'] as const;
  return names.map((name) =>
    judge(
      TARGETS[name],
      rounds.map((round) => round[name]),
    ),
  );
}

/** Nothing here is faster than write() alone: such a round measured the machine's mood. */
function credible(ofFloor: number): number {
  return ofFloor > 1 ? Number.NaN : ofFloor;
}

async function matching(): Promise<Ratio> {
  const { scanNs, indexNs, hotNs, agree } = await measureMatch(10_000);
  if (!agree) faults.push('filter match: the index does not find what the scan finds');
  progress(`filter match: scan ${scanNs} ns an event, index ${indexNs} ns, remembered ${hotNs} ns`);
  return judge(TARGETS.P10, [scanNs / indexNs]);
}

/** P15: read, delivered and acknowledged, against a loop that only reads and acknowledges. */
async function durable(bench: Bench, mode: Mode): Promise<Ratio> {
  const figures: number[] = [];
  for (let round = 1; round <= mode.durableRounds; round += 1) {
    const { durable: rate, bare, redelivered } = await measureDurable(bench.redis, mode.durableEvents);
    progress(`  durable: ${rate} events/s acknowledged, bare ${bare}`);
    if (redelivered > 0) faults.push(`durable: ${redelivered} events were delivered again`);
    figures.push(rate / bare);
  }
  return judge(TARGETS.P15, figures);
}

/** P11: from the time at which an event was due to when its frame was read. */
async function latency(bench: Bench, mode: Mode): Promise<Ratio[]> {
  const ratios: Ratio[] = [];
  for (const name of ['P11few', 'P11many'] as const) {
    const milliseconds: number[] = [];
    for (let round = 1; round <= mode.pacedRounds; round += 1) {
      const step = { ...PACED[name], warmSeconds: 1.5, seconds: mode.pacedSeconds };
      const sample = note(await measurePaced(bench, () => startGateway(bench, 1), step), true);
      const p99 = keptUp(sample) ? sample.end.p99Us / 1_000 : notKeptUp(sample);
      milliseconds.push(isDisturbed(sample) ? Number.NaN : p99);
    }
    ratios.push(judge(TARGETS[name], milliseconds));
  }
  return ratios;
}

function notKeptUp(sample: PacedSample): number {
  const { backlog, published } = sample;
  progress(
    `  did not keep up: ${backlog} deliveries behind, published ${Math.round(published.lateUs / 1_000)} ms late`,
  );
  return Number.POSITIVE_INFINITY;
}

function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function benchmark(programs: Programs, mode: Mode): Promise<boolean> {
  // Whatever is started from here on shares the core of the load, unless it is told otherwise.
  pin(process.pid, 'load');
  await using redis = await startRedis();
  await using configuration = await writeConfiguration();
  const bench: Bench = { programs, redis, configuration };
  console.log(`${describeMachine()}\n`);
  const ratios = [
    ...(await saturated(bench, mode)),
    await matching(),
    ...(await latency(bench, mode)),
    await durable(bench, mode),
  ];
  console.log(`${sampleTable(rows)}\n\n${ratioTable(ratios)}\n`);
  console.log('ratios of saturated servers compare deliveries per second of server CPU, not per second of time');
  const missed = ratios.filter(({ verdict }) => verdict === 'missed').length;
  console.log(
    faults.length === 0
      ? 'every sampled event came exactly once and in order, and all deliveries arrived'
      : `NOT CORRECT, no figure counts:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
  );
  if (missed > 0) console.log(`${missed} of ${ratios.length} floors missed`);
  const unmeasured = ratios.filter(({ verdict }) => verdict === 'unmeasured').length;
  if (unmeasured > 0) {
    console.log(`${unmeasured} of ${ratios.length} not measured: something else ran on the server's core, try again`);
  }
  return faults.length === 0 && missed === 0 && unmeasured === 0;
}

async function compiled(): Promise<Programs | null> {
  try {
    return await compilePrograms();
  } catch (error) {
    if (!(error instanceof CompilerFault)) throw error;
    console.error(error.message);
    return null;
  }
}

const name = process.argv[2] ?? 'quick';
const programs = await compiled();
if (name !== 'quick' && name !== 'full') {
  console.error('usage: npm run bench [-- quick | full]');
  process.exitCode = 2;
} else if (programs === null) process.exitCode = 2;
else process.exitCode = (await benchmark(programs, MODES[name])) ? 0 : 1;
