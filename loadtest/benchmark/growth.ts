import { keptUp, measurePaced, measureSaturated, type Contender } from './measurements.ts';
import type { Plot } from './plot.ts';
import { median } from './ratios.ts';
import { note, progress, type RunContext } from './run-context.ts';
import { cpuPerDelivery, isDisturbed, type Sample } from './sample.ts';
import { measureMatch, startGateway, startStage } from './servers.ts';

/** The cost at one of several sizes: the median of the undisturbed rounds, NaN without any. */
export interface Grown {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  /** `<size>`, and a figure for each of the lines. */
  readonly lines: readonly { readonly name: string; readonly values: readonly { x: number; y: number }[] }[];
}

const GATEWAY = { content: 'complete', fillerEvery: 5 } as const;
/** Pending events must arrive before a sample counts at its end: their number does not grow with the connections. */
const ahead = (connections: number) => Math.round(Math.min(8_000, 8_000_000 / connections));
const STAGE = { content: 'ordered', fillerEvery: 0, filters: 1 } as const;

const CONNECTIONS = [100, 300, 1_000, 3_000, 10_000] as const;
const FILTERS = [1, 10, 100, 1_000, 10_000] as const;
const ACCOUNTS = [10, 1_000, 10_000, 100_000] as const;
const RATES = [10, 100, 1_000, 3_000, 10_000] as const;
/** A scan, with which the index is compared, takes minutes beyond this. */
const SUBSCRIPTIONS = [10, 100, 1_000, 10_000] as const;

/** The curves: cost of a delivery as something grows. Each round has all sizes of a curve as neighbours. */
export async function measureGrowth(run: RunContext): Promise<Grown[]> {
  return [
    await overConnections(run),
    await overFilters(run),
    await overAccounts(run),
    ...(await overRates(run)),
    await overSubscriptions(),
  ];
}

type Measure = (size: number) => Promise<Sample>;

async function curve(run: RunContext, sizes: readonly number[], measure: Measure): Promise<{ x: number; y: number }[]> {
  const figures = new Map(sizes.map((size) => [size, [] as number[]]));
  for (let round = 1; round <= run.mode.growthRounds; round += 1) {
    for (const size of sizes) {
      const sample = note(run, await measure(size));
      if (!isDisturbed(sample)) figures.get(size)?.push(cpuPerDelivery(sample));
    }
  }
  return sizes.map((x) => ({ x, y: median(figures.get(x) ?? [], 'lower') }));
}

function saturating(run: RunContext, contender: Omit<Contender, 'ahead'>, connections: number): Promise<Sample> {
  const { warmMs, windowMs } = run.mode;
  const given = { ...contender, ahead: ahead(connections) };
  return measureSaturated(run.bench, given, { connections, warmMs, windowMs });
}

const COST = 'us of server CPU a delivery';

async function overConnections(run: RunContext): Promise<Grown> {
  progress('growth over connections');
  const { bench, mode } = run;
  const seconds = (mode.warmMs + mode.windowMs) / 1_000 + 2;
  const stage = await curve(run, CONNECTIONS, (size) => {
    const start = () => startStage(bench, { batch: 32, filters: '1', seconds });
    return saturating(run, { ...STAGE, name: `fan-out, 32 a write`, start }, size);
  });
  const gateway = await curve(run, CONNECTIONS, (size) =>
    saturating(run, { ...GATEWAY, name: 'gateway', filters: 1, start: () => startGateway(bench, 1) }, size),
  );
  const lines = [
    { name: 'fan-out, 32 a write', values: stage },
    { name: 'gateway, saturated', values: gateway },
  ];
  return { title: 'Cost against connections', x: 'connections', y: COST, lines };
}

async function overFilters(run: RunContext): Promise<Grown> {
  progress('growth over distinct filters');
  const connections = 10_000;
  const values = await curve(run, FILTERS, (size) => {
    const start = () => startGateway(run.bench, size);
    return saturating(run, { ...GATEWAY, name: 'gateway', filters: size, start }, connections);
  });
  const lines = [{ name: `gateway, saturated, 10,000 connections`, values }];
  return { title: 'Cost against distinct filters', x: 'distinct filters', y: COST, lines };
}

async function overAccounts(run: RunContext): Promise<Grown> {
  progress('growth over accounts');
  const values = await curve(run, ACCOUNTS, (size) => {
    const start = () => startGateway(run.bench, 1, { accounts: size });
    return saturating(run, { ...GATEWAY, name: `gateway, ${size} accounts`, filters: 1, accounts: size, start }, 1_000);
  });
  const lines = [{ name: 'gateway, saturated, 1,000 connections', values }];
  return { title: 'Cost against accounts that events are of', x: 'accounts', y: COST, lines };
}

/** At a fixed rate the length of batches follows the rate, and latency is meaningful. */
async function overRates(run: RunContext): Promise<Grown[]> {
  progress('growth over events a second');
  const costs = new Map(RATES.map((rate) => [rate as number, [] as number[]]));
  const waits = new Map(RATES.map((rate) => [rate as number, [] as number[]]));
  for (let round = 1; round <= run.mode.growthRounds; round += 1) {
    for (const rate of RATES) {
      const step = { connections: 100, rate, warmSeconds: 1.5, seconds: run.mode.pacedSeconds };
      const contender = { name: 'gateway', start: () => startGateway(run.bench, 1) };
      const sample = note(run, await measurePaced(run.bench, contender, step), true);
      if (isDisturbed(sample) || !keptUp(sample)) continue;
      costs.get(rate)?.push(cpuPerDelivery(sample));
      waits.get(rate)?.push(sample.end.p99Us / 1_000);
    }
  }
  const of = (figures: ReadonlyMap<number, number[]>) =>
    RATES.map((x) => ({ x, y: median(figures.get(x) ?? [], 'lower') }));
  const [x, name] = ['events a second', 'gateway, 100 connections'];
  return [
    { title: 'Cost against events a second', x, y: COST, lines: [{ name, values: of(costs) }] },
    { title: 'p99 against events a second', x, y: 'ms from XADD to socket', lines: [{ name, values: of(waits) }] },
  ];
}

async function overSubscriptions(): Promise<Grown> {
  progress('growth over subscriptions');
  const found = [];
  for (const size of SUBSCRIPTIONS) found.push({ x: size, ...(await measureMatch(size)) });
  const lines = [
    { name: 'index', values: found.map(({ x, indexNs }) => ({ x, y: indexNs })) },
    { name: 'remembered', values: found.map(({ x, hotNs }) => ({ x, y: hotNs })) },
  ];
  return { title: 'Filter match against subscriptions', x: 'subscriptions', y: 'ns an event', lines };
}

/** Sizes without a figure are omitted from the picture, and marked in the table. */
export function plotOf({ title, x, y, lines }: Grown): Plot {
  const drawn = lines.map(({ name, values }) => ({ name, points: values.filter((value) => Number.isFinite(value.y)) }));
  return { title, x, y, lines: drawn.filter(({ points }) => points.length > 0) };
}
