/**
 * `npm run bench`: how fast the gateway is, as ratios of one run (see README.md). `-- full` takes longer and more rounds,
 * and the peers; `-- full latency` only that part. Ends with 1 when a floor is missed or an event was lost, doubled or out of order; with 2 when it cannot run here.
 */
import { startRedis } from '../../runtime/testing/redis-server.ts';
import { measureBeside } from './beside.ts';
import { CompilerFault, compilePrograms, type Programs } from './compile.ts';
import { writeConfiguration } from './configuration.ts';
import { measureIdle } from './idle.ts';
import { measureLatencies } from './latency.ts';
import { describeMachine } from './machine.ts';
import { PARTS, readArguments, type Mode, type Part } from './mode.ts';
import { installPeer, type PeerName } from './peers/install.ts';
import { pin } from './processes.ts';
import { judge, TARGETS, type Ratio } from './ratios.ts';
import { ratioTable, sampleTable } from './report.ts';
import { progress, type RunContext } from './run-context.ts';
import { measureSaturatedRatios } from './saturated.ts';
import { measureDurable, measureMatch } from './servers.ts';
import { measureTraced } from './traced.ts';

const PEERS: readonly PeerName[] = ['socketio', 'nats', 'centrifugo'];

async function matching({ faults }: RunContext): Promise<Ratio[]> {
  const { scanNs, indexNs, hotNs, agree } = await measureMatch(10_000);
  if (!agree) faults.push('filter match: the index does not find what the scan finds');
  progress(`filter match: scan ${scanNs} ns an event, index ${indexNs} ns, remembered ${hotNs} ns`);
  return [judge(TARGETS.P10, [scanNs / indexNs])];
}

/** P15: read, delivered and acknowledged, against a loop that only reads and acknowledges. */
async function durable({ bench, mode, faults }: RunContext): Promise<Ratio[]> {
  const figures: number[] = [];
  for (let round = 1; round <= mode.durableRounds; round += 1) {
    const { durable: rate, bare, redelivered } = await measureDurable(bench.redis, mode.durableEvents);
    progress(`  durable: ${rate} events/s acknowledged, bare ${bare}`);
    if (redelivered > 0) faults.push(`durable: ${redelivered} events were delivered again`);
    figures.push(rate / bare);
  }
  return [judge(TARGETS.P15, figures)];
}

const MEASURE: Readonly<Record<Part, (run: RunContext) => Promise<Ratio[]>>> = {
  saturated: measureSaturatedRatios,
  match: matching,
  latency: measureLatencies,
  durable,
  idle: measureIdle,
  beside: measureBeside,
  traced: measureTraced,
};

/** None in quick mode; one that cannot be installed is told, and its ratios are left out. */
async function findPeers(mode: Mode): Promise<RunContext['peers']> {
  const found = new Map<PeerName, Extract<Awaited<ReturnType<typeof installPeer>>, { ok: true }>>();
  if (mode.name === 'quick') return found;
  for (const name of PEERS) {
    const installed = await installPeer(name, progress);
    if (installed.ok) found.set(name, installed);
    else console.log(`without ${name}: ${installed.remedy}`);
  }
  return found;
}

async function benchmark(programs: Programs, mode: Mode, parts: readonly Part[]): Promise<boolean> {
  const peers = await findPeers(mode);
  // Whatever is started from here on shares the core of the load, unless it is told otherwise.
  pin(process.pid, 'load');
  await using redis = await startRedis();
  await using configuration = await writeConfiguration();
  const run: RunContext = { bench: { programs, redis, configuration }, mode, peers, rows: [], faults: [] };
  const versions = [...peers.values()].map(({ version }) => `\nagainst ${version}`);
  console.log(`${describeMachine()}${versions.join('')}\n`);
  const ratios: Ratio[] = [];
  for (const part of parts) ratios.push(...(await MEASURE[part](run)));
  console.log(`${sampleTable(run.rows)}\n\n${ratioTable(ratios)}\n`);
  console.log('ratios of saturated servers compare deliveries per second of server CPU, not per second of time');
  return conclude(run.faults, ratios);
}

function conclude(faults: readonly string[], ratios: readonly Ratio[]): boolean {
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

const asked = readArguments(process.argv.slice(2));
const programs = await compiled();
if (asked === null) {
  console.error(`usage: npm run bench [-- quick | full [${PARTS.join(' | ')} ...]]`);
  process.exitCode = 2;
} else if (programs === null) process.exitCode = 2;
else process.exitCode = (await benchmark(programs, asked.mode, asked.parts)) ? 0 : 1;
