import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createRandom, type Random } from '../../../protocol/simulator/random.ts';
import { silentLogger } from '../../../runtime/logging/logger.ts';
import { commandClient } from '../../../runtime/redis/client.ts';
import { Started } from '../../../testing/started.ts';
import { until } from '../../../testing/until.ts';
import type { SwitchEvent } from '../../mapper.ts';
import { callsOf, ENDPOINTS, listingOf, mappedBy } from './stage.ts';
import { split } from './judge.ts';
import type { ReplicaTask } from './replica-process.ts';
import { PARTITIONS, stored, type Stored } from './replicas.ts';
import { startWireSwitch, type WireSwitch } from './switch-wire.ts';

const PROGRAM = fileURLToPath(new URL('replica-process.ts', import.meta.url));
const KEY_PREFIX = 'killed:';
const REPLICAS = 3;
/** Longer than a lease. */
const PAUSE_MS = 7_000;
const SAY_EVERY_MS = 50;
/**
 * A resumed process needs a moment to find what it missed: it must report this many times in a row that it is in step.
 */
const SURE = 5;
const ENDS = ['SIGKILL', 'SIGSTOP', 'SIGTERM'] as const;

export interface KilledReplicas {
  readonly kills: number;
  readonly said: number;
  /** Must be 0. */
  readonly lost: number;
  readonly disordered: number;
  readonly gaps: number;
  /** Entries with an id that the log had already: of another account, or after ten minutes. */
  readonly again: number;
}

/**
 * Runs three replicas of a source in processes of their own, with two switches that send all the time. One replica
 * after another is killed, paused beyond its lease, or stopped, at random, for the given time. A replica is ended only
 * when another one could lead without a gap, as in a rolling restart.
 */
export async function killReplicas(given: { redisUrl: string; forMs: number; seed: string }): Promise<KilledReplicas> {
  await using stack = new AsyncDisposableStack();
  const random = createRandom(given.seed);
  const switches = await Promise.all(ENDPOINTS.map((name) => startWireSwitch((said) => listingOf(name, said))));
  for (const one of switches) stack.use(one);
  const replicas = Array.from(
    { length: REPLICAS },
    (_, index) => new ReplicaProcess(`replica-${index}`, given, switches),
  );
  for (const one of replicas) stack.use(one);
  for (const one of replicas) one.start();
  await until('all in step', () => replicas.every((one) => one.isInStep));
  const talk = startTalk(switches);
  const end = performance.now() + given.forMs;
  let kills = 0;
  while (performance.now() < end) {
    await delay(random.integer(200, 1_500));
    const victim = random.pick(replicas);
    await until('another one in step', () => replicas.some((one) => one !== victim && one.isInStep));
    await endOne(victim, random);
    kills += 1;
  }
  await talk.stop();
  await until('all in step', () => replicas.every((one) => one.isInStep));
  const expected = ENDPOINTS.flatMap((name, index) => mappedBy(name, talk.said[index] ?? []));
  const reader = commandClient(given.redisUrl, { logger: silentLogger, name: 'test' });
  stack.defer(() => reader.disconnect());
  const wanted = new Set(expected.map(({ eventId }) => eventId));
  const missing = (entries: readonly Stored[]) => {
    const seen = new Set(entries.map(({ eventId }) => eventId));
    return [...wanted].filter((id) => !seen.has(id)).length;
  };
  // A lost event never arrives.
  const entries = await until('all in the log', () => stored(reader, KEY_PREFIX), {
    holds: (seen) => missing(seen) === 0,
    limitMs: 30_000,
  }).catch(() => stored(reader, KEY_PREFIX));
  return { kills, said: expected.length, lost: missing(entries), ...judge(entries, expected) };
}

function judge(entries: readonly Stored[], expected: readonly { eventId: string }[]) {
  const { events, gaps } = split(entries);
  const seen = new Set<string>();
  const first = events.filter(({ eventId }) => !seen.has(eventId) && seen.add(eventId));
  const places = new Map(expected.map(({ eventId }, index) => [eventId, index]));
  const disordered = [...Map.groupBy(first, ({ callId }) => callId).values()].filter((leg) => {
    const order = leg.flatMap(({ eventId }) => places.get(eventId) ?? []);
    return order.some((place, index) => index > 0 && place < (order[index - 1] ?? 0));
  });
  return { disordered: disordered.length, gaps: gaps.length, again: events.length - first.length };
}

async function endOne(victim: ReplicaProcess, random: Random): Promise<void> {
  const signal = random.pick(ENDS);
  if (signal === 'SIGSTOP') {
    victim.signal('SIGSTOP');
    await delay(PAUSE_MS);
    victim.forget();
    victim.signal('SIGCONT');
    return;
  }
  await victim.end(signal);
  victim.start();
}

/** Both switches send calls, wave after wave, until stopped; the last wave is completed. */
function startTalk(switches: readonly WireSwitch[]) {
  const said: SwitchEvent[][] = switches.map(() => []);
  const end = new AbortController();
  const talk = async (index: number) => {
    const name = ENDPOINTS[index] ?? 'fs1';
    for (let wave = 0; !end.signal.aborted; wave += 1) {
      const calls = callsOf(name, { copies: 3, seed: `${name} ${wave}`, first: 1_000 + (said[index]?.length ?? 0) });
      for (let from = 0; from < calls.length; from += 10) {
        const part = calls.slice(from, from + 10);
        said[index]?.push(...part);
        switches[index]?.say(part);
        await delay(SAY_EVERY_MS);
      }
    }
  };
  const talking = Promise.all(switches.map((_, index) => talk(index)));
  return {
    said,
    async stop() {
      end.abort();
      await talking;
    },
  };
}

class ReplicaProcess implements AsyncDisposable {
  readonly #task: ReplicaTask;
  #child: ChildProcess | null = null;
  #process: Started | null = null;
  #forgotten = 0;

  constructor(replica: string, { redisUrl }: { redisUrl: string }, switches: readonly WireSwitch[]) {
    const endpoints = ENDPOINTS.map((name, index) => ({ name, port: switches[index]?.port ?? 0 }));
    this.#task = { replica, redisUrl, keyPrefix: KEY_PREFIX, partitions: PARTITIONS, endpoints };
  }

  get isInStep(): boolean {
    const said = this.#process?.output.slice(this.#forgotten) ?? '';
    const told = [...said.matchAll(/"in_step":(true|false)/g)].slice(-SURE);
    return told.length === SURE && told.every(([, inStep]) => inStep === 'true');
  }

  /** Its earlier reports no longer count. */
  forget(): void {
    this.#forgotten = this.#process?.output.length ?? 0;
  }

  start(): void {
    this.#child = spawn(process.execPath, [PROGRAM], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdin?.end(JSON.stringify(this.#task));
    this.#process = new Started(this.#child);
    this.#forgotten = 0;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end('SIGKILL');
  }
}
