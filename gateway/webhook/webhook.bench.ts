/**
 * Webhooks against a receiver in a process of its own. Run by hand, or by the benchmark:
 *   node gateway/webhook/webhook.bench.ts --url redis://... --events 20000
 * `ours` and `bare`: acknowledged requests a second at 64 at once, of a gateway from its log and of a loop that posts the same
 * bodies over kept connections. `p99` and `p99Beside`: from append to receipt in milliseconds at 300 events a second, alone and
 * beside a receiver of the same events that never answers (W3).
 */
import { spawn } from 'node:child_process';
import http from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { encodeMeta } from '../../protocol/entry.ts';
import { streamKeys } from '../../protocol/keys.ts';
import { partitionOf } from '../../protocol/partition.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient } from '../../runtime/redis/client.ts';
import { ACCOUNT, HookedResource, newSecret, type HookedOptions } from '../testing/webhook-gateway.ts';

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'redis://127.0.0.1:6379' },
    events: { type: 'string', default: '20000' },
    seconds: { type: 'string', default: '5' },
  },
});
const COUNT = Number(values.events);
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

const child = spawn(process.execPath, [SINK], { stdio: ['pipe', 'pipe', 'inherit'] });
const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
const nextLine = async () => String((await lines.next()).value);
const port = Number(await nextLine());
const ask = async (word: 'reset' | 'look') => {
  child.stdin.write(`${word}\n`);
  return JSON.parse(await nextLine()) as Taken;
};
const client = commandClient(values.url, { logger: silentLogger, name: 'bench' });
await becomesReady(client, 10_000);

function append(keyPrefix: string, n: number): Promise<unknown> {
  const meta = { name: 'CHANNEL_ANSWER', account: 'account_id_1', callId: `call-${n % 5_000}` };
  const line = encodeMeta({ ...meta, eventId: `event-${n}`, ingestedAt: '', traceparent: '' });
  const data = JSON.stringify({ at: performance.timeOrigin + performance.now(), Filler: FILLER });
  return client.xadd(streamKeys(keyPrefix, partitionOf(meta, PARTITIONS)).events, '*', 'm', line, 'd', data);
}

async function untilTaken(count: number): Promise<Taken> {
  for (;;) {
    const seen = await ask('look');
    if (seen.taken >= count) return ask('reset');
    await delay(20);
  }
}

function options(more: Partial<HookedOptions> = {}): HookedOptions {
  const receiver = { url: `http://127.0.0.1:${port}/`, secret: newSecret(), caFile: null };
  return { redisUrl: values.url, receiver, webhook: { concurrency: AT_ONCE }, ...more };
}

async function ours(): Promise<number> {
  await using resource = await HookedResource.create(
    options({ group: { startPosition: 'Earliest', maxPending: 1_000 } }),
  );
  for (let n = 0; n < COUNT; n += 1_000) {
    const batch = Array.from({ length: Math.min(1_000, COUNT - n) }, (_, at) => append(resource.keyPrefix, n + at));
    await Promise.all(batch);
  }
  await using _ = await resource.start();
  const { taken, ms } = await untilTaken(COUNT);
  return taken / (ms / 1_000);
}

async function bare(): Promise<number> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const data = JSON.stringify({ Filler: FILLER, type: 'call.channel_answer', timestamp: new Date().toISOString() });
  let left = COUNT;
  const post = () =>
    new Promise<void>((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': data.length };
      const call = http.request({ port, host: '127.0.0.1', method: 'POST', agent, headers }, (response) => {
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
  const { taken, ms } = await untilTaken(COUNT);
  return taken / (ms / 1_000);
}

async function p99(isBeside: boolean): Promise<number> {
  const silent = { url: `http://127.0.0.1:${port}/silent`, allowPrivateAddresses: true, timeout: '60s' };
  const group = { name: 'silent', account: ACCOUNT, ackWait: '90s', webhook: silent };
  const more = isBeside ? [{ group, secret: newSecret(), caFile: null }] : [];
  await using resource = await HookedResource.create(options({ more }));
  await using _ = await resource.start();
  const total = PACED_A_SECOND * Number(values.seconds);
  const begunAt = performance.now();
  for (let n = 0; n < total; n += 1) {
    const early = begunAt + (n * 1_000) / PACED_A_SECOND - performance.now();
    if (early > 1) await delay(early);
    void append(resource.keyPrefix, n);
  }
  const { ages } = await untilTaken(total);
  // The first second is that of connections and of code that is compiled.
  const sorted = ages.slice(PACED_A_SECOND).toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
}

const rates = { ours: Math.round(await ours()), bare: Math.round(await bare()) };
const alone = await p99(false);
const beside = await p99(true);
const round = (value: number) => Math.round(value * 100) / 100;
process.stdout.write(`${JSON.stringify({ ...rates, p99: round(alone), p99Beside: round(beside) })}\n`);
client.disconnect();
child.kill();
