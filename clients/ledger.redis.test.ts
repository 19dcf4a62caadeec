import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test, type TestContext } from 'node:test';
import { createRandom, type Random } from '../protocol/simulator/random.ts';
import { until } from '../testing/until.ts';
import type { Adapter, AdapterProgram } from './conformance/adapter.ts';
import { connected, eachOnce, REPLAY } from './conformance/case.ts';
import { pythonProgram, TYPESCRIPT } from './conformance/programs.ts';
import { openTheatre, type Stage } from './conformance/stage.ts';

const LIMIT = { timeout: 600_000 };
/** Concurrent consumers, each with an account of its own: together 10,000 events, 200 cuts and 40 kills. */
const CONSUMERS = 4;
const EVENTS = 10_000 / CONSUMERS;
const CUTS = 200 / CONSUMERS;
const BATCH = EVENTS / CUTS;
/** Cuts of one process: each doubles the longest wait of its back-off, and a new process starts from the first step. */
const CUTS_A_PROCESS = 5;

/** What one process of the consumer handled, in order, until it was killed. */
interface Life {
  readonly ids: readonly string[];
  readonly numbers: readonly number[];
  /** Ids up to the position in the cursor file at the time of the kill. */
  readonly saved: ReadonlySet<string>;
}

/**
 * Ids of the events up to the cursor on the connection that received it. Events that an earlier connection received
 * after its last handled one may arrive in another order, so they are not compared.
 */
function idsUpTo({ proxy }: Stage, cursor: string): ReadonlySet<string> {
  for (const { received } of proxy.connections.toReversed()) {
    const ids = new Set<string>();
    for (const text of received) {
      const [, id] = /"id":"([^"]+)"/.exec(text) ?? [];
      if (id !== undefined) ids.add(id);
      if (text.includes(`"cursor":"${cursor}"`)) return ids;
    }
  }
  return new Set();
}

async function endedLife(stage: Stage, adapter: Adapter): Promise<Life> {
  await adapter.kill();
  const cursor = await readFile(stage.cursorFile, 'utf8').catch(() => '');
  const ids = adapter.of('event').map(({ id = '' }) => id);
  return { ids, numbers: adapter.numbers, saved: idsUpTo(stage, cursor) };
}

/** Produces events, cuts and kills; returns what each process handled. */
async function livesOf(stage: Stage, random: Random): Promise<readonly Life[]> {
  const lives: Life[] = [];
  const handled = new Set<number>();
  let adapter: Adapter | null = null;
  for (let cut = 0; cut < CUTS; cut += 1) {
    const connections = stage.proxy.connections.length;
    adapter ??= stage.start({ ...REPLAY, cursor_file: stage.cursorFile });
    if (cut % CUTS_A_PROCESS === 0) await connected(stage, connections + 1);
    await stage.produce(cut * BATCH, (cut + 1) * BATCH);
    const some = cut * BATCH + random.integer(0, BATCH - 1);
    const { numbers } = adapter;
    await until('some events', () => new Set([...handled, ...numbers, ...(adapter?.numbers ?? [])]).size >= some);
    const before = stage.proxy.connections.length;
    stage.proxy.last.cut();
    if (cut % CUTS_A_PROCESS < CUTS_A_PROCESS - 1) await connected(stage, before + 1);
    else {
      const life = await endedLife(stage, adapter);
      lives.push(life);
      for (const n of life.numbers) handled.add(n);
      adapter = null;
    }
  }
  const last = stage.start({ ...REPLAY, cursor_file: stage.cursorFile });
  await until('the rest', () => new Set([...handled, ...last.numbers]).size === EVENTS);
  return [...lives, await endedLife(stage, last)];
}

function judge(lives: readonly Life[], t: TestContext): void {
  const first: number[] = [];
  const seen = new Set<number>();
  let former = new Set<string>();
  const again: number[] = [];
  for (const [place, { ids, numbers }] of lives.entries()) {
    assert.equal(new Set(ids).size, ids.length, 'a process handles no event twice');
    const { saved = new Set() } = lives[place - 1] ?? {};
    assert.deepEqual(
      ids.filter((id) => saved.has(id)),
      [],
      'what is before the saved cursor does not come again',
    );
    again.push(ids.filter((id) => former.has(id)).length);
    for (const n of numbers) if (!seen.has(n)) first.push(n);
    for (const n of numbers) seen.add(n);
    former = new Set(ids);
  }
  eachOnce(first, EVENTS);
  const repeated = again.reduce((sum, count) => sum + count, 0);
  t.diagnostic(`${lives.length - 1} kills: ${repeated} events once more, ${Math.max(...again)} at most at one seam`);
  assert.equal(lives.length, CUTS / CUTS_A_PROCESS + 1);
}

/** Consumers that print each event: a printed event is a handled one. They are cut at random places, and killed. */
async function ledger(program: AdapterProgram, t: TestContext): Promise<void> {
  const seed = `${Math.floor(Math.random() * 1e9)}`;
  t.diagnostic(`seed ${seed}`);
  await using theatre = await openTheatre(CONSUMERS);
  const consumers = Array.from({ length: CONSUMERS }, async (_, n) => {
    await using stage = await theatre.stage(n, program);
    judge(await livesOf(stage, createRandom(`${seed}-${n}`)), t);
  });
  await Promise.all(consumers);
}

test(
  'K2: 10,000 events, 200 cuts, kill -9: the TypeScript client loses none and repeats none that was saved',
  LIMIT,
  (t) => ledger(TYPESCRIPT, t),
);

test(
  'K2: 10,000 events, 200 cuts, kill -9: the Python client loses none and repeats none that was saved',
  LIMIT,
  async (t) => {
    const python = await pythonProgram();
    await ledger(python, t);
  },
);
