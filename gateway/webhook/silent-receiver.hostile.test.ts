import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ACCOUNT, HookedResource, newSecret } from '../testing/webhook-gateway.ts';
import { encodeMeta } from '../../protocol/entry.ts';
import { streamKeys } from '../../protocol/keys.ts';
import { partitionOf } from '../../protocol/partition.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient, type RedisClient } from '../../runtime/redis/client.ts';
import { isSlower, median, p99 } from '../../testing/compare-p99.ts';
import { isLong } from '../../testing/hostile-length.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';

const SINK = fileURLToPath(new URL('../testing/webhook-sink.ts', import.meta.url));
const PARTITIONS = 4;
const EVENTS_A_SECOND = 100;
const { windowMs, least, most, isShared } = isLong(process.env)
  ? { windowMs: 5_000, least: 5, most: 9, isShared: false }
  : { windowMs: 1_500, least: 2, most: 6, isShared: true };

/** A receiver in a process of its own, and how old the events were when it got them. */
async function openSink() {
  const child = spawn(process.execPath, [SINK], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async () => String((await lines.next()).value);
  const ask = async (word: 'reset' | 'look') => {
    child.stdin.write(`${word}\n`);
    return JSON.parse(await next()) as { taken: number; ages: number[] };
  };
  return { port: Number(await next()), ask, [Symbol.dispose]: () => void child.kill() };
}
type Sink = Awaited<ReturnType<typeof openSink>>;

/** A resource with two webhooks for the same events, `crm` and one of this path, and a gateway as a process of its own. */
async function openPair(path: string, { sink, redisUrl }: { sink: Sink; redisUrl: string }): Promise<HookedResource> {
  const urlOf = (at: string) => `http://127.0.0.1:${sink.port}${at}`;
  const webhook = { url: urlOf(path), allowPrivateAddresses: true, timeout: '60s' };
  const group = { name: 'beside', account: ACCOUNT, ackWait: '90s', webhook };
  await using stack = new AsyncDisposableStack();
  const resource = stack.use(
    await HookedResource.create({
      redisUrl,
      receiver: { url: urlOf('/'), secret: newSecret(), caFile: null },
      more: [{ group, secret: newSecret(), caFile: null }],
    }),
  );
  await resource.spawn();
  stack.move();
  return resource;
}

let published = 0;
function append(client: RedisClient, keyPrefix: string): Promise<unknown> {
  const n = (published += 1);
  const meta = { name: 'CHANNEL_ANSWER', account: 'account_id_1', callId: `call-${n}` };
  const line = encodeMeta({ ...meta, eventId: `event-${n}`, ingestedAt: '', traceparent: '' });
  const data = JSON.stringify({ at: performance.timeOrigin + performance.now() });
  return client.xadd(streamKeys(keyPrefix, partitionOf(meta, PARTITIONS)).events, '*', 'm', line, 'd', data);
}

/** The p99 from append to receipt at `crm`, over one window. */
async function observe(resource: HookedResource, { sink, client }: { sink: Sink; client: RedisClient }) {
  const total = Math.round((windowMs / 1_000) * EVENTS_A_SECOND);
  const begunAt = performance.now();
  const sent: Promise<unknown>[] = [];
  for (let n = 0; n < total; n += 1) {
    const early = begunAt + (n * 1_000) / EVENTS_A_SECOND - performance.now();
    if (early > 1) await delay(early);
    sent.push(append(client, resource.keyPrefix));
  }
  await Promise.all(sent);
  await until('all events received', async () => (await sink.ask('look')).taken, { holds: (taken) => taken >= total });
  return p99((await sink.ask('reset')).ages);
}

test(
  "W3: a receiver that never answers moves another webhook's p99 by less than 10 %",
  { timeout: 300_000 },
  async (context) => {
    await using redis = await startRedis();
    using sink = await openSink();
    const client = commandClient(redis.url, { logger: silentLogger, name: 'test:hostile' });
    using _ = { [Symbol.dispose]: () => client.disconnect() };
    await becomesReady(client, 10_000);
    // The control sends as much, to a receiver that answers.
    await using answered = await openPair('/other', { sink, redisUrl: redis.url });
    await using silent = await openPair('/silent', { sink, redisUrl: redis.url });
    const parts = { sink, client };
    // Groups are joined and code is compiled in the first window.
    for (const resource of [answered, silent]) await observe(resource, parts);
    const [controls, besides]: [number[], number[]] = [[], []];
    const isSlow = () => {
      const seen = isShared ? Math.min(...besides) : median(...besides);
      return isSlower(seen, median(...controls), isShared);
    };
    do {
      controls.push(await observe(answered, parts));
      besides.push(await observe(silent, parts));
    } while (besides.length < least || (isSlow() && besides.length < most));
    const figures = `p99 ${median(...controls).toFixed(1)} ms beside one that answers, ${median(...besides).toFixed(1)} ms beside one that never does`;
    context.diagnostic(`${figures}, ${besides.length} rounds`);
    assert.ok(!isSlow(), figures);
  },
);
