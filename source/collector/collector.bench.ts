/**
 * Compares a collector with a bare consumer of the same switches, and measures the cost of a standby. Run by hand:
 *   node --expose-gc source/collector/collector.bench.ts --copies 200
 * With `--standby`, measures only the cost of a standby and prints a line of JSON. The bytes are those of a switch, in
 * chunks of 64 KiB. The bare consumer only parses them. The collector maps them and appends to a Redis, whose work is
 * not in the figure. Figures are events a second of one core.
 */
import { parseArgs } from 'node:util';
import { startRedis } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { createAmiParser } from '../ami/ami-parser.ts';
import { readEslMessage } from '../esl/esl-event.ts';
import { createEslParser } from '../esl/esl-parser.ts';
import type { SwitchEvent } from '../mapper.ts';
import type { Switch, SwitchListener } from '../switch.ts';
import { startReplica, type Replica } from './testing/replicas.ts';
import { callsOf, ENDPOINTS, mapperOf, mappedBy, type EndpointName } from './testing/stage.ts';

const { values } = parseArgs({
  options: {
    copies: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '5' },
    standby: { type: 'boolean', default: false },
  },
});
const CHUNK = 65_536;

type Take = (event: SwitchEvent) => void;

function bytesOf(name: EndpointName, events: readonly SwitchEvent[]): readonly Buffer[] {
  const text = events.map((event) => {
    if (name === 'pbx1')
      return `${Object.entries(event)
        .map(([key, value]) => `${key}: ${String(value)}\r\n`)
        .join('')}\r\n`;
    const body = JSON.stringify(event);
    return `Content-Length: ${Buffer.byteLength(body)}\nContent-Type: text/event-json\n\n${body}`;
  });
  const bytes = Buffer.from(text.join(''));
  return Array.from({ length: Math.ceil(bytes.length / CHUNK) }, (_, at) =>
    bytes.subarray(at * CHUNK, (at + 1) * CHUNK),
  );
}

function readerOf(name: EndpointName, take: Take): (chunk: Buffer) => void {
  if (name === 'pbx1') {
    const parser = createAmiParser();
    return (chunk) => {
      for (const event of parser.push(chunk)) take(event);
    };
  }
  const parser = createEslParser();
  return (chunk) => {
    for (const message of parser.push(chunk)) {
      const reading = readEslMessage(message);
      if (reading.kind === 'event') take(reading.event);
    }
  };
}

/** Events for each second of this process's CPU time. */
async function perCore(count: number, work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return count / ((user + system) / 1e6);
}

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

/** Chunks with pauses of one turn of the event loop, as a socket delivers them. */
async function feed(chunks: readonly Buffer[], read: (chunk: Buffer) => void): Promise<void> {
  for (const chunk of chunks) {
    read(chunk);
    await new Promise(setImmediate);
  }
}

/** A switch that does not store what it sends. */
class OpenSwitch implements Switch {
  #listener: SwitchListener = { event: () => undefined, malformed: () => undefined };

  say(event: SwitchEvent): void {
    this.#listener.event(event);
  }

  open(listener: SwitchListener) {
    this.#listener = listener;
    return Promise.resolve({
      instance: 'one',
      version: '1.11',
      since: Date.now(),
      get heardAt() {
        return Date.now();
      },
      degraded: null,
      lost: new Promise<never>(() => undefined),
      listing: () => Promise.resolve([]),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  }
}

async function open(redis: string, keyPrefix: string, name: EndpointName, of: Switch, replica = 'a'): Promise<Replica> {
  return startReplica(replica, {
    redis,
    keyPrefix,
    endpoints: [{ name, switch: of, createMapper: () => mapperOf(name) }],
  });
}

async function measure(redis: string, name: EndpointName): Promise<void> {
  const bare: number[] = [];
  const ours: number[] = [];
  let share = 0;
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const events = callsOf(name, { copies: Number(values.copies), seed: `${name} ${round}` });
    const mapped = mappedBy(name, events).length;
    share = mapped / events.length;
    const chunks = bytesOf(name, events);
    let read = 0;
    bare.push(
      await perCore(events.length, () =>
        feed(
          chunks,
          readerOf(name, () => (read += 1)),
        ),
      ),
    );
    if (read !== events.length) throw new Error(`${read} of ${events.length} events were read`);
    const spoken = new OpenSwitch();
    await using replica = await open(redis, `bench-${name}-${round}:`, name, spoken);
    await until('it leads', () => replica.leads(name));
    ours.push(
      await perCore(events.length, async () => {
        await feed(
          chunks,
          readerOf(name, (event) => spoken.say(event)),
        );
        await until('all appended', () => replica.collector.figures().endpoints[0]?.backlog === 0);
      }),
    );
  }
  const [theirs, own] = [median(bare), median(ours)];
  console.log(
    `${name}: bare ${theirs.toFixed(0)}/s, collector ${own.toFixed(0)}/s a core, ratio ${(own / theirs).toFixed(2)}; ${(own * share).toFixed(0)} events/s in the log`,
  );
}

/** Runs the garbage collector. */
async function settle(): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Measured memory of what a standby keeps, against the size that its ring counts. */
async function standby(redis: string) {
  await using leader = await open(redis, 'bench-standby:', 'fs1', new OpenSwitch());
  await until('it leads', () => leader.leads('fs1'));
  const idle = new OpenSwitch();
  await using replica = await open(redis, 'bench-standby:', 'fs1', idle, 'standby');
  await until('it listens', () => replica.isLive('fs1'));
  const events = callsOf('fs1', { copies: 250, seed: 'standby' });
  const bytes = bytesOf('fs1', events);
  await settle();
  const before = process.memoryUsage();
  await feed(
    bytes,
    readerOf('fs1', (event) => idle.say(event)),
  );
  await settle();
  const after = process.memoryUsage();
  const { ringBytes, endpoints } = replica.collector.figures();
  const grown = after.heapUsed + after.external - before.heapUsed - before.external;
  const kept = endpoints[0]?.kept ?? 0;
  return { kept, eventBytes: Math.round(grown / kept), countedBytes: Math.round(ringBytes / kept) };
}

/** Milliseconds from the death of a leader until the log has the events since then. */
async function takeover(redis: string): Promise<number> {
  const [first, second] = [new OpenSwitch(), new OpenSwitch()];
  const replicas = [
    await open(redis, 'bench-takeover:', 'fs1', first),
    await open(redis, 'bench-takeover:', 'fs1', second, 'b'),
  ];
  await until('both in step', () => replicas.every((one) => one.isInStep('fs1')));
  const victim = replicas.find((one) => one.leads('fs1'));
  const heir = replicas.find((one) => one !== victim);
  victim?.log.client.disconnect();
  for (const event of callsOf('fs1', { copies: 1, seed: 'takeover' }))
    for (const one of [first, second]) one.say(event);
  const start = performance.now();
  await until(
    'the other one has appended',
    () => heir?.leads('fs1') === true && heir.collector.figures().endpoints[0]?.backlog === 0,
  );
  const takeoverMs = Math.round(performance.now() - start);
  for (const one of replicas) await one[Symbol.asyncDispose]();
  return takeoverMs;
}

await using redis = await startRedis();
if (!values.standby) for (const name of ENDPOINTS) await measure(redis.url, name);
console.log(JSON.stringify({ ...(await standby(redis.url)), takeoverMs: await takeover(redis.url) }));
