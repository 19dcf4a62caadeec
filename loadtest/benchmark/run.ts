/**
 * `npm run bench`: how fast the gateway is, as ratios of one run (see README.md). `-- full` takes longer and more
 * rounds, and includes the peers; `-- full latency` runs only that part. Exits with 1 when a floor is missed (in quick
 * mode by a factor of two) or an event was lost, doubled or out of order; with 2 when it cannot run here, or with 0 and
 * `--where-possible`.
 */
import { fileURLToPath } from 'node:url';
import { ensurePackages, isOnPath, type DebianPackage } from '../../testing/debian.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { measureBeside } from './beside.ts';
import { measureCallsCost, measureCallsLatency, measureReaders, measureTable } from './calls.ts';
import { openCoreDistance } from './core-distance.ts';
import { measureCompressed } from './compressed.ts';
import { CompilerFault, compilePrograms, type Programs } from './compile.ts';
import { writeConfiguration } from './configuration.ts';
import { measureConsole } from './console.ts';
import { fleetTable } from './fleet.ts';
import { measureGrowth } from './growth.ts';
import { measureExplanations, measureJournal, measureJournalLatency } from './journal.ts';
import { measureIdle } from './idle.ts';
import { measureLatencies } from './latency.ts';
import { describeMachine } from './machine.ts';
import { PARTS, readArguments, type Mode, type Part } from './mode.ts';
import { installPeer, type PeerName } from './peers/install.ts';
import { pin } from './processes.ts';
import { holds, judge, TARGETS, type Ratio } from './ratios.ts';
import { ratioTable, sampleTable } from './report.ts';
import { growthTables, keepResults } from './results.ts';
import { progress, type RunContext } from './run-context.ts';
import { measureSaturatedRatios } from './saturated.ts';
import {
  measureClients,
  measureDurable,
  measureKazoo,
  measureMatch,
  measureStandby,
  measureSwitch,
  measureWebhooks,
} from './servers.ts';
import { measureTraced } from './traced.ts';
import { measureUnitCosts } from './unit-costs.ts';

const USAGE = `npm run bench [-- quick|full [part...] [--where-possible]]
  parts: ${PARTS.join(', ')}
  quick takes minutes and has loose floors; full is for figures that are kept. Exit codes: 0 every floor holds, 1 one is missed,
  2 wrong use, or it cannot run here (0 with --where-possible).`;
const NEEDED: readonly DebianPackage[] = [
  { name: 'redis-server', isThere: () => isOnPath('redis-server') },
  { name: 'gcc', isThere: () => isOnPath('cc') },
  { name: 'libc6-dev', isThere: () => isOnPath('cc') },
];
/** An event of FreeSWITCH has ten times as many bytes as one of AMI. */
const SWITCHES = [
  { target: TARGETS.P28, as: 'asterisk-ami', calls: 4_000 },
  { target: TARGETS.P30, as: 'freeswitch', calls: 400 },
  { target: TARGETS.P31, as: 'asterisk-ari', calls: 400 },
] as const;
const KAZOO_EVENTS = 10_000;
const PEERS: readonly PeerName[] = ['socketio', 'nats', 'centrifugo'];

async function matching({ faults }: RunContext): Promise<Ratio[]> {
  const { scanNs, indexNs, hotNs, agree } = await measureMatch(10_000);
  if (!agree) faults.push('filter match: the index does not find what the scan finds');
  progress(`filter match: scan ${scanNs} ns an event, index ${indexNs} ns, remembered ${hotNs} ns`);
  return [judge(TARGETS.P10, [scanNs / indexNs]), judge(TARGETS.P10hot, [scanNs / hotNs])];
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

/** P24: from the log to the answers of a receiver, and what a receiver that never answers costs another (W3). */
async function webhooks({ bench, mode }: RunContext): Promise<Ratio[]> {
  const rates = [];
  for (let round = 1; round <= mode.durableRounds; round += 1) {
    const rate = await measureWebhooks(bench.redis, mode.durableEvents / 10);
    const [plain, tls] = [`${rate.ours}/s, bare ${rate.bare}`, `over TLS ${rate.oursTls}/s, bare ${rate.bareTls}`];
    progress(`  webhooks: ${plain}; ${tls}; p99 ${rate.p99} ms, beside ${rate.p99Beside} ms`);
    rates.push(rate);
  }
  return [
    judge(
      TARGETS.P24,
      rates.map(({ ours, bare }) => ours / bare),
    ),
    judge(
      TARGETS.P24tls,
      rates.map(({ oursTls, bareTls }) => oursTls / bareTls),
    ),
    judge(
      TARGETS.P24beside,
      rates.map(({ p99, p99Beside }) => p99Beside / p99),
    ),
  ];
}

/** P28 to P33: sources against consumers that do not map, and the cost of a standby. */
async function switches({ mode, bench }: RunContext): Promise<Ratio[]> {
  const ratios: Ratio[] = [];
  const told = (what: string, { ours, bare }: { readonly ours: number; readonly bare: number }) => {
    progress(`  ${what}: ${ours} events a second of CPU, bare ${bare}`);
    return ours / bare;
  };
  for (const { target, as, calls } of SWITCHES) {
    const figures: number[] = [];
    for (let round = 1; round <= mode.durableRounds; round += 1) figures.push(told(as, await measureSwitch(as, calls)));
    ratios.push(judge(target, figures));
  }
  const kazoo = await measureKazoo(bench.redis, KAZOO_EVENTS, mode.durableRounds);
  const mapping = kazoo.map((rate) => told('kazoo', rate));
  const intoLog = kazoo.map(({ whole, appending }) => told('kazoo, into the log', { ours: whole, bare: appending }));
  ratios.push(judge(TARGETS.P29, mapping), judge(TARGETS.P29log, intoLog));
  const { eventBytes, countedBytes, takeoverMs } = await measureStandby();
  progress(`  standby: ${eventBytes} bytes an event, counted as ${countedBytes}; takeover after ${takeoverMs} ms`);
  return [...ratios, judge(TARGETS.P32, [eventBytes / countedBytes]), judge(TARGETS.P33, [takeoverMs])];
}

/** P26: the client libraries against consumers without one. */
async function clients({ mode }: RunContext): Promise<Ratio[]> {
  const rates = await measureClients(mode.durableRounds);
  const figures = (language: string) =>
    rates.filter((rate) => rate.language === language).map(({ client, bare }) => client / bare);
  for (const { language, client, bare } of rates)
    progress(`  ${language}: ${client} events a second of CPU, bare ${bare}`);
  return [judge(TARGETS.P26typescript, figures('TypeScript')), judge(TARGETS.P26python, figures('Python'))];
}

const MEASURE: Readonly<Record<Exclude<Part, 'growth'>, (run: RunContext) => Promise<Ratio[]>>> = {
  saturated: measureSaturatedRatios,
  compressed: measureCompressed,
  match: matching,
  latency: measureLatencies,
  durable,
  webhooks,
  switches,
  clients,
  'calls-table': measureTable,
  'calls-read': measureReaders,
  'calls-cost': measureCallsCost,
  'calls-latency': measureCallsLatency,
  journal: measureJournal,
  'journal-latency': measureJournalLatency,
  explain: measureExplanations,
  console: measureConsole,
  idle: measureIdle,
  beside: measureBeside,
  traced: measureTraced,
};

/** None in quick mode; one that cannot be installed is reported, and its ratios are omitted. */
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
  // Every later process shares the core of the load, unless it is configured otherwise.
  pin(process.pid, 'load');
  await using redis = await startRedis();
  await using configuration = await writeConfiguration();
  const distance = await openCoreDistance(programs.distance);
  const run: RunContext = { bench: { programs, redis, configuration, distance }, mode, peers, rows: [], faults: [] };
  const machine = [
    describeMachine(),
    `${distance.usualNs} ns from one core to the other and back`,
    ...[...peers.values()].map(({ version }) => `against ${version}`),
  ].join('\n');
  console.log(`${machine}\n`);
  if (programs.receiverDeflate === null)
    console.log('without compression: install the headers of zlib (package zlib1g-dev)\n');
  if (programs.receiverTls === null) console.log('without TLS: install the headers of OpenSSL (package libssl-dev)\n');
  const ratios: Ratio[] = [];
  for (const part of parts) if (part !== 'growth') ratios.push(...(await measured(part, run)));
  const curves = parts.includes('growth') ? await measureGrowth(run) : [];
  const costs = parts.includes('growth') ? await measureUnitCosts(run) : null;
  const fleet = costs === null ? '' : fleetTable(costs);
  const [samples, told, { verdict, isGood }] = [sampleTable(run.rows), ratioTable(ratios), conclude(run, ratios)];
  console.log([samples, told, growthTables(curves), fleet, verdict].filter((text) => text !== '').join('\n\n'));
  if (parts.length === PARTS.length) {
    const folder = fileURLToPath(new URL('results/', import.meta.url));
    await keepResults(folder, { date: today(), machine, ratios: told, verdict, samples, curves, fleet });
    console.log(`kept in ${folder}`);
  }
  return isGood;
}

/** A part that breaks fails the run, but the figures of the others are kept. */
async function measured(part: Exclude<Part, 'growth'>, run: RunContext): Promise<readonly Ratio[]> {
  try {
    const ratios = await MEASURE[part](run);
    progress(`${ratioTable(ratios)}\n`);
    return ratios;
  } catch (error) {
    run.faults.push(`${part} could not be measured: ${String(error)}`);
    return [];
  }
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}

function conclude({ faults, mode }: RunContext, ratios: readonly Ratio[]): { verdict: string; isGood: boolean } {
  const count = (verdict: Ratio['verdict']) => ratios.filter((ratio) => ratio.verdict === verdict).length;
  const [missed, unmeasured] = [count('missed'), count('unmeasured')];
  const failed = ratios.filter((ratio) => !holds(ratio, mode.slack)).map(({ target }) => target.id);
  const lines = [
    'ratios of saturated servers compare deliveries per second of server CPU, not per second of time',
    faults.length === 0
      ? 'every sampled event came exactly once and in order, and all deliveries arrived'
      : `NOT CORRECT, no figure counts:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    ...(missed > 0 ? [`${missed} of ${ratios.length} floors missed`] : []),
    ...(unmeasured > 0
      ? [`${unmeasured} of ${ratios.length} not measured: something else ran on the server's core, try again`]
      : []),
    ...(mode.slack > 1 ? [`floors are loose in this mode: it fails at ${mode.slack} times worse than one`] : []),
    ...(failed.length > 0 ? [`FAILED: ${failed.join(', ')}`] : []),
  ];
  return { verdict: lines.join('\n'), isGood: faults.length === 0 && failed.length === 0 };
}

/** What it needs to run here; installed where that is possible. */
async function prepare(): Promise<{ programs: Programs } | { remedy: string }> {
  if (process.platform !== 'linux') return { remedy: 'run it on Linux' };
  const installed = ensurePackages(NEEDED, progress);
  if (!installed.ok) return installed;
  try {
    return { programs: await compilePrograms() };
  } catch (error) {
    if (!(error instanceof CompilerFault)) throw error;
    return { remedy: error.message };
  }
}

async function main(args: readonly string[]): Promise<number> {
  if (args.some((word) => word === '--help' || word === '-h')) {
    console.log(USAGE);
    return 0;
  }
  const asked = readArguments(args);
  if (asked === null) {
    console.error(USAGE);
    return 2;
  }
  const prepared = await prepare();
  if ('remedy' in prepared) {
    console.log(`bench: NOT RUN: ${prepared.remedy}`);
    return asked.isWherePossible ? 0 : 2;
  }
  return (await benchmark(prepared.programs, asked.mode, asked.parts)) ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
