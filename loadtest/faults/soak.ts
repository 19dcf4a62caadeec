import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { openGroupWorld, type GroupWorld } from './group-world.ts';
import type { Product } from './product.ts';
import type { Replica } from './replica.ts';

const SAMPLE_MS = 5_000;
const PAGE_BYTES = 4_096;
const MIB = 1024 * 1024;
/** With spare room the heap grows for an hour before it is collected, and its size would show nothing. */
const SMALL_HEAP = '--max-semi-space-size=1 --max-old-space-size=128';
/** A heap varies; a leak under this load grows by far more in all but the shortest soak. */
const MOST_GROWTH = 1.25;
const MOST_MORE_DESCRIPTORS = 10;

interface Sample {
  readonly minutes: number;
  readonly residentMib: number;
  readonly descriptors: number;
}

/**
 * I10: a constant load of all kinds: consumers of the log and of a group that die and return, one that stops reading
 * and catches up, events that are refused and given up. Memory and descriptors of each replica stay flat from the
 * second quarter to the last, and nothing is lost.
 */
export async function soak(product: Product, minutes: number): Promise<string[]> {
  const environment = { NODE_OPTIONS: SMALL_HEAP };
  await using groups = await openGroupWorld(product, { rate: 400, calls: 200, environment });
  const { world } = groups;
  for (const acknowledges of ['by cursor', 'by id', 'by pong', 'by cursor', 'by id', 'by pong'] as const)
    await groups.join({ acknowledges });
  for (let at = 0; at < 20; at += 1)
    await world.join({ name: `consumer ${at}`, account: 'root', control: at % 2 === 0 });
  world.producer.start();
  const samples = world.replicas.map((): Sample[] => []);
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 60_000;
  const over = new AbortController();
  const churning = churn(groups, over.signal);
  for (let line = 0; elapsed() < minutes; line += 1) {
    await delay(SAMPLE_MS);
    for (const [at, replica] of world.replicas.entries()) samples[at]?.push(await sampleOf(replica, elapsed()));
    if (line % 6 === 5) console.log(lineOf(samples, world.producer.total));
  }
  over.abort();
  await churning;
  const { faults } = await groups.settle();
  return [...faults, ...(await world.settle()), ...samples.flatMap((all, at) => growthOf(`replica ${at}`, all))];
}

/** Each second one consumer dies and returns; one stops reading for ten seconds of every twenty. */
async function churn({ world, members }: GroupWorld, signal: AbortSignal): Promise<void> {
  const [slow, ...others] = world.consumers;
  const mortal = [...members, ...others];
  for (let turn = 0; !signal.aborted; turn += 1) {
    mortal[turn % mortal.length]?.crash();
    if (turn % 20 === 0) slow?.pause();
    if (turn % 20 === 10) slow?.resume();
    await delay(1_000);
  }
  slow?.resume();
}

async function sampleOf({ pid }: Replica, minutes: number): Promise<Sample> {
  const [, resident = '0'] = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ');
  const residentMib = (Number(resident) * PAGE_BYTES) / MIB;
  return { minutes, residentMib, descriptors: (await readdir(`/proc/${pid}/fd`)).length };
}

function lineOf(samples: readonly (readonly Sample[])[], events: number): string {
  const last = samples.map((all) => all.at(-1));
  const texts = last.map((one) => `${one?.residentMib.toFixed(0)} MiB, ${one?.descriptors} descriptors`);
  return `${(last[0]?.minutes ?? 0).toFixed(1).padStart(6)} min  ${events} events  ${texts.join('; ')}`;
}

/** Compares the second quarter with the last one: the first is for warming up. */
function growthOf(who: string, samples: readonly Sample[]): string[] {
  const quarter = Math.floor(samples.length / 4);
  const early = samples.slice(quarter, 2 * quarter);
  const late = samples.slice(samples.length - quarter);
  if (quarter === 0) return [`${who}: too short to compare`];
  const growth = median(late.map((one) => one.residentMib)) / median(early.map((one) => one.residentMib));
  const more = median(late.map((one) => one.descriptors)) - median(early.map((one) => one.descriptors));
  console.log(`        ${who}: memory x ${growth.toFixed(2)}, descriptors ${more >= 0 ? '+' : ''}${more}`);
  return [
    ...(growth > MOST_GROWTH ? [`${who}: memory grew by a factor of ${growth.toFixed(2)}`] : []),
    ...(more > MOST_MORE_DESCRIPTORS ? [`${who}: ${more} descriptors more`] : []),
  ];
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
