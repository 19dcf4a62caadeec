import { setTimeout as delay } from 'node:timers/promises';
import { startLoad, type Load, type Published } from './load.ts';
import { coreBusyUs, cpuTime, isPinned, keptFromCoreUs, residentBytes } from './processes.ts';
import type { Content, Sample } from './sample.ts';
import { isSteady, watchCosts, type Progress } from './steadiness.ts';
import type { Bench, Server } from './servers.ts';

/** One server to be saturated. */
export interface Contender {
  readonly name: string;
  readonly filters: number;
  readonly content: Content;
  /** Matching events that are published and not yet received; ignored for a server that makes its own events. */
  readonly ahead: number;
  /** Every n-th event matches no client, so that no server can forward Redis's reply as one piece; 0: none. */
  readonly fillerEvery: number;
  /** Every n-th event belongs to a recorded trace. */
  readonly tracedEvery?: number;
  /** Default: as many as all others have. */
  readonly connections?: number;
  /** Events belong to this many accounts in turn; default: all to one. */
  readonly accounts?: number;
  start(): Promise<Server>;
}

export interface Window {
  readonly connections: number;
  readonly warmMs: number;
  readonly windowMs: number;
}

const SATURATED_SAMPLES = 20;

/** Starts a new server, saturates it, and measures a window in the middle. */
export function measureSaturated(bench: Bench, contender: Contender, window: Window): Promise<Sample> {
  return whileUnmoved(bench, async () => ({ sample: await saturate(bench, contender, window), wasSteady: true }));
}

const ATTEMPTS = 3;

/** Measures again when a core was moved in the meantime; the last attempt then counts as disturbed. */
async function whileUnmoved<T>(
  { distance }: Bench,
  measure: () => Promise<{ readonly sample: T; readonly wasSteady: boolean }>,
): Promise<T & { hasMoved: boolean }> {
  for (let attempt = 1; ; attempt += 1) {
    await distance.settle();
    const { sample, wasSteady } = await measure();
    const hasMoved = !wasSteady || !(await distance.isUsual());
    if (!hasMoved || attempt === ATTEMPTS) return { ...sample, hasMoved };
  }
}

async function saturate(bench: Bench, contender: Contender, window: Window): Promise<Omit<Sample, 'hasMoved'>> {
  const { connections, warmMs, windowMs } = window;
  const { fillerEvery, tracedEvery = 0, accounts = 0 } = contender;
  // Empty streams for each run: no client reads entries of another run.
  await bench.redis.restart();
  await using server = await contender.start();
  const sampleEvery = Math.max(1, Math.floor(connections / SATURATED_SAMPLES));
  await using load = await startLoad(bench, server, { connections, sampleEvery, fillerEvery, tracedEvery, accounts });
  server.begin?.();
  const pass = (ms: number) => (server.begin === null ? load.feed(ms, contender.ahead) : delay(ms));
  await pass(warmMs);
  const measured = await between(server, load, () => pass(windowMs));
  const isFed = server.begin === null;
  const end = isFed ? await load.drain() : await load.mark();
  const { name, filters, content } = contender;
  return { name, filters, content, connections, offered: isFed ? load.owed() : null, end, ...measured };
}

async function between(server: Server, load: Load, pass: () => Promise<unknown>) {
  const [from, cpuFrom, waitedFrom] = [await load.mark(), cpuTime(server.pid), waitedSoFar(server)];
  await pass();
  const [to, cpuTo, waitedTo] = [await load.mark(), cpuTime(server.pid), waitedSoFar(server)];
  return {
    deliveries: to.frames - from.frames,
    bytes: to.bytes - from.bytes,
    elapsedUs: to.timeUs - from.timeUs,
    serverCpu: { userUs: cpuTo.userUs - cpuFrom.userUs, systemUs: cpuTo.systemUs - cpuFrom.systemUs },
    waitedUs: Math.max(0, waitedTo - waitedFrom),
    receiverCpuUs: to.cpuUs - from.cpuUs,
    residentBytes: residentBytes(server.pid),
  };
}

/** How long other processes had the server's core; for a server with many threads, everything else on it. */
function waitedSoFar({ pid, isManyThreaded = false }: Server): number {
  if (!isManyThreaded || !isPinned()) return keptFromCoreUs(pid);
  const { userUs, systemUs } = cpuTime(pid);
  return coreBusyUs() - userUs - systemUs;
}

export interface PacedStep {
  readonly connections: number;
  /** Events a second. */
  readonly rate: number;
  readonly warmSeconds: number;
  readonly seconds: number;
  /** Every n-th event matches no connection; default 0: none. */
  readonly fillerEvery?: number;
  /** Near the limit of a core: a window with varying cost for each delivery is measured again. */
  readonly isNearLimit?: boolean;
}

/** A sample at a fixed rate. Its latencies are meaningful only if all clients kept up. */
export interface PacedSample extends Sample {
  readonly rate: number;
  readonly published: Published;
  /** Deliveries owed and not yet received when the last event was in Redis. */
  readonly backlog: number;
}

/** Starts a new server, and sends it events at a fixed rate, whether or not it keeps up. */
export function measurePaced(
  bench: Bench,
  contender: Pick<Contender, 'name' | 'start'>,
  step: PacedStep,
): Promise<PacedSample> {
  return whileUnmoved(bench, () => pace(bench, contender, step));
}

async function pace(
  bench: Bench,
  contender: Pick<Contender, 'name' | 'start'>,
  step: PacedStep,
): Promise<{ sample: Omit<PacedSample, 'hasMoved'>; wasSteady: boolean }> {
  const { connections, rate, warmSeconds, seconds, fillerEvery = 0, isNearLimit = false } = step;
  await bench.redis.restart();
  await using server = await contender.start();
  const sampleEvery = Math.max(1, Math.floor(connections / SATURATED_SAMPLES));
  await using load = await startLoad(bench, server, { connections, sampleEvery, fillerEvery });
  await load.pace(rate, warmSeconds);
  await load.drain();
  load.reset();
  let published: Published | null = null;
  const publish = async () => {
    published = await load.pace(rate, seconds);
  };
  let wasSteady = true;
  const measured = await between(server, load, async () => {
    if (isNearLimit) wasSteady = isSteady(await watchCosts(() => progressOf(server, load), publish));
    else await publish();
  });
  const backlog = load.owed() - (await load.mark()).frames;
  const end = await load.drain();
  if (published === null) throw new Error('unreachable: the step has run');
  const name = `${contender.name}, ${rate} events/s`;
  const sample = {
    name,
    filters: 1,
    content: 'complete' as const,
    connections,
    offered: load.owed(),
    end,
    rate,
    published,
    backlog,
    ...measured,
  };
  return { sample, wasSteady };
}

async function progressOf(server: Server, load: Load): Promise<Progress> {
  const { frames } = await load.mark();
  const { userUs, systemUs } = cpuTime(server.pid);
  return { cpuUs: userUs + systemUs, deliveries: frames };
}

/** Largest number of pending events at the end of a step that kept up. */
const KEPT_UP_S = 0.1;

/** Whether publisher and server kept the pace: no backlog, and nothing sent late. */
export function keptUp(sample: Pick<PacedSample, 'rate' | 'connections' | 'backlog' | 'published'>): boolean {
  const underWay = sample.rate * sample.connections * KEPT_UP_S;
  return sample.backlog <= underWay && sample.published.lateUs <= KEPT_UP_S * 1e6;
}
