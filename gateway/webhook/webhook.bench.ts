/**
 * Webhooks against a receiver in a process of its own. Run by hand, or by the benchmark:
 *   node gateway/webhook/webhook.bench.ts --url redis://... --events 20000
 * `ours` and `bare`: acknowledged requests a second at 64 at once, of a gateway from its log and of a loop that posts the same
 * bodies over kept connections. `oursTls` and `bareTls`: the same over TLS. `p99` and `p99Beside`: from append to receipt in
 * milliseconds at 300 events a second, alone and beside a receiver of the same events that never answers (W3); medians of
 * windows of two gateways in turns, each a process of its own.
 */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { encodeMeta } from '../../protocol/entry.ts';
import { streamKeys } from '../../protocol/keys.ts';
import { partitionOf } from '../../protocol/partition.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient } from '../../runtime/redis/client.ts';
import { makeCertificates, type Certificates } from '../../testing/certificates.ts';
import { median, p99 } from '../../testing/compare-p99.ts';
import { ACCOUNT, HookedResource, newSecret, type HookedOptions } from '../testing/webhook-gateway.ts';

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'redis://127.0.0.1:6379' },
    events: { type: 'string', default: '20000' },
    /** Of a window, and how many windows of each. */
    seconds: { type: 'string', default: '4' },
    windows: { type: 'string', default: '5' },
  },
});
const COUNT = Number(values.events);
const WARM = 5_000;
const AT_ONCE = 64;
const PACED_A_SECOND = 300;
const PARTITIONS = 4;
const FILLER = 'x'.repeat(1_000);
const SINK = fileURLToPath(new URL('../testing/webhook-sink.ts', import.meta.url));

interface Taken {
  readonly taken: number;
  readonly ms: number;
  readonly ages: readonly number[];
}

interface Sink {
  readonly url: string;
  readonly caFile: string | null;
  ask(word: 'reset' | 'look'): Promise<Taken>;
  stop(): void;
}

async function startSink(certificates: Certificates | null): Promise<Sink> {
  const { certFile = '', keyFile = '', caFile = null } = certificates ?? {};
  const files = certificates === null ? [] : [certFile, keyFile];
  const child = spawn(process.execPath, [SINK, ...files], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const nextLine = async () => String((await lines.next()).value);
  const origin = certificates === null ? 'http://127.0.0.1' : 'https://localhost';
  return {
    url: `${origin}:${await nextLine()}`,
    caFile,
    async ask(word) {
      child.stdin.write(`${word}\n`);
      return JSON.parse(await nextLine()) as Taken;
    },
    stop: () => void child.kill(),
  };
}

const client = commandClient(values.url, { logger: silentLogger, name: 'bench' });
await becomesReady(client, 10_000);

function append(keyPrefix: string, n: number): Promise<unknown> {
  const meta = { name: 'CHANNEL_ANSWER', account: 'account_id_1', callId: `call-${n % 5_000}` };
  const line = encodeMeta({ ...meta, eventId: `event-${n}`, ingestedAt: '', traceparent: '' });
  const data = JSON.stringify({ at: performance.timeOrigin + performance.now(), Filler: FILLER });
  return client.xadd(streamKeys(keyPrefix, partitionOf(meta, PARTITIONS)).events, '*', 'm', line, 'd', data);
}

async function untilTaken(sink: Sink, count: number): Promise<Taken> {
  for (;;) {
    const seen = await sink.ask('look');
    if (seen.taken >= count) return sink.ask('reset');
    await delay(20);
  }
}

const perSecond = ({ taken, ms }: Taken) => Math.round(taken / (ms / 1_000));

function options({ url, caFile }: Sink, more: Partial<HookedOptions> = {}): HookedOptions {
  const receiver = { url: `${url}/`, secret: newSecret(), caFile };
  return { redisUrl: values.url, receiver, webhook: { concurrency: AT_ONCE }, ...more };
}

async function ours(sink: Sink, count = COUNT): Promise<number> {
  await using resource = await HookedResource.create(
    options(sink, { group: { startPosition: 'Earliest', maxPending: 1_000 } }),
  );
  for (let n = 0; n < count; n += 1_000) {
    const batch = Array.from({ length: Math.min(1_000, count - n) }, (_, at) => append(resource.keyPrefix, n + at));
    await Promise.all(batch);
  }
  await using _ = await resource.start();
  return perSecond(await untilTaken(sink, count));
}

async function bare(sink: Sink, count = COUNT): Promise<number> {
  const isSecure = sink.caFile !== null;
  const kept = { keepAlive: true, maxSockets: AT_ONCE };
  const agent = isSecure ? new https.Agent({ ...kept, ca: await readFile(sink.caFile ?? '') }) : new http.Agent(kept);
  const { request } = isSecure ? https : http;
  const data = JSON.stringify({ Filler: FILLER, type: 'call.channel_answer', timestamp: new Date().toISOString() });
  const { hostname: host, port } = new URL(sink.url);
  let left = count;
  const post = () =>
    new Promise<void>((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': data.length };
      const call = request({ port, host, method: 'POST', agent, headers }, (response) => {
        response.resume().once('end', resolve);
      });
      call.once('error', reject);
      call.end(data);
    });
  const lane = async () => {
    while ((left -= 1) >= 0) await post();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  agent.destroy();
  return perSecond(await untilTaken(sink, count));
}

/** A gateway as a process of its own, with one webhook or with a second one whose receiver never answers. */
async function open(sink: Sink, isBeside: boolean): Promise<HookedResource> {
  const silent = { url: `${sink.url}/silent`, allowPrivateAddresses: true, timeout: '60s' };
  const group = { name: 'silent', account: ACCOUNT, ackWait: '90s', webhook: silent };
  const more = isBeside ? [{ group, secret: newSecret(), caFile: null }] : [];
  await using stack = new AsyncDisposableStack();
  const resource = stack.use(await HookedResource.create(options(sink, { more })));
  await resource.spawn();
  stack.move();
  return resource;
}

async function observe(sink: Sink, { keyPrefix }: HookedResource, seconds: number): Promise<number> {
  const total = PACED_A_SECOND * seconds;
  const begunAt = performance.now();
  for (let n = 0; n < total; n += 1) {
    const early = begunAt + (n * 1_000) / PACED_A_SECOND - performance.now();
    if (early > 1) await delay(early);
    void append(keyPrefix, n);
  }
  return p99((await untilTaken(sink, total)).ages);
}

/** One window may contain a pause of the machine: the median of several does not. */
async function p99s(sink: Sink): Promise<{ readonly p99: number; readonly p99Beside: number }> {
  await using alone = await open(sink, false);
  await using beside = await open(sink, true);
  // Connections are opened and code is compiled in the first windows.
  for (const resource of [alone, beside]) await observe(sink, resource, 1);
  const seen: Record<'alone' | 'beside', number[]> = { alone: [], beside: [] };
  for (let window = 0; window < Number(values.windows); window += 1) {
    const turns = [['alone', alone] as const, ['beside', beside] as const];
    for (const [name, resource] of window % 2 === 0 ? turns : turns.toReversed())
      seen[name].push(await observe(sink, resource, Number(values.seconds)));
  }
  return { p99: median(...seen.alone), p99Beside: median(...seen.beside) };
}

await using certificates = await makeCertificates();
const [plain, secure] = [await startSink(null), await startSink(certificates)];
// Code is compiled in a first run of each.
for (const sink of [plain, secure]) for (const run of [ours, bare]) await run(sink, WARM);
const rates = { ours: await ours(plain), bare: await bare(plain) };
const ratesTls = { oursTls: await ours(secure), bareTls: await bare(secure) };
const round = (value: number) => Math.round(value * 100) / 100;
const ages = await p99s(plain);
const found = { ...rates, ...ratesTls, p99: round(ages.p99), p99Beside: round(ages.p99Beside) };
process.stdout.write(`${JSON.stringify(found)}\n`);
client.disconnect();
for (const sink of [plain, secure]) sink.stop();
