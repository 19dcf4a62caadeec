/**
 * Durable delivery without sockets. Run by hand: one replica with a connection whose far end acknowledges each write at
 * once, against bare XREADGROUP and XACK of the same entries, 500 at a time, on the same Redis.
 *   node gateway/group/group.bench.ts --url redis://... --events 200000 --connections 4 --format plain|meta
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { encodeMeta } from '../../protocol/entry.ts';
import { streamKeys } from '../../protocol/keys.ts';
import { partitionOf } from '../../protocol/partition.ts';
import type { Format } from '../fanout/encoding.ts';
import { GRANT, RESOURCE, startReplica, type Replica } from '../testing/group-replica.ts';
import type { Membership } from './groups.ts';
import { TIMINGS } from './group-context.ts';

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'redis://127.0.0.1:6379' },
    events: { type: 'string', default: '200000' },
    connections: { type: 'string', default: '4' },
    format: { type: 'string', default: 'plain' },
  },
});
const COUNT = Number(values.events);
const BATCH = 500;

async function fill(gateway: Replica): Promise<void> {
  const head = '{"Event-Name":"CHANNEL_ANSWER","Filler":"';
  const data = `${head}${'x'.repeat(1_023 - head.length)}"}`;
  for (let from = 0; from < COUNT; from += 1_000) {
    const pipeline = gateway.client.pipeline();
    for (let at = from; at < Math.min(COUNT, from + 1_000); at += 1) {
      const meta = { name: 'CHANNEL_ANSWER', account: 'acme', callId: `call-${at % 50_000}` };
      const line = encodeMeta({ ...meta, eventId: `event-${at}`, ingestedAt: '1700000000000000', traceparent: '' });
      const partition = partitionOf(meta, gateway.place.partitions);
      pipeline.xadd(streamKeys(gateway.place.keyPrefix, partition).events, '*', 'm', line, 'd', data);
    }
    await pipeline.exec();
  }
}

/** Events a second of a loop that only reads and acknowledges, pipelined. */
async function bare(gateway: Replica): Promise<number> {
  const start = performance.now();
  for (let partition = 0; partition < gateway.place.partitions; partition += 1) {
    const { events } = streamKeys(gateway.place.keyPrefix, partition);
    await gateway.client.xgroup('CREATE', events, 'bare', '0');
    let ids: Buffer[] = [];
    do {
      const acked = ids.length > 0 ? gateway.client.callBuffer('xack', events, 'bare', ...ids) : null;
      const reply = await gateway.client.callBuffer(
        'xreadgroup',
        'GROUP',
        'bare',
        'c',
        'COUNT',
        BATCH,
        'STREAMS',
        events,
        '>',
      );
      await acked;
      ids = ((reply as [[Buffer, [Buffer, unknown][]]] | null)?.[0][1] ?? []).map(([id]) => id);
    } while (ids.length > 0);
  }
  return COUNT / ((performance.now() - start) / 1_000);
}

async function durable(gateway: Replica): Promise<number> {
  const counters = gateway.groups.counters.get('default');
  if (counters === undefined) throw new Error('the default group is always there');
  const before = counters.acknowledged;
  for (let at = 0; at < Number(values.connections); at += 1) await connect(gateway, values.format as Format);
  const start = performance.now();
  while (counters.acknowledged - before < COUNT) await delay(1);
  return COUNT / ((performance.now() - start) / 1_000);
}

/** Acknowledges like a client: plain by its pong, else by the last event's cursor of each write. */
async function connect(gateway: Replica, format: Format): Promise<void> {
  const admitted = await gateway.groups.admit('default', GRANT);
  if (!admitted.ok) throw new Error(admitted.problem.code);
  const membership: Membership = gateway.groups.join('default', {
    grant: GRANT,
    format,
    privacy: () => null,
    sink: {
      queued: 0,
      whenDrained: setImmediate,
      write: (chunk, release) => {
        release?.();
        if (format === 'plain') return;
        const cursor = /"cursor":"([^"]+)"[^"]*"account_id":[^{}]*\}\}$/.exec(
          chunk.toString('latin1', chunk.length - 400),
        );
        setImmediate(() => void membership.ack(cursor?.[1] ?? ''));
      },
    },
    acknowledges: format === 'plain' ? 'pongs' : 'frames',
    ping: (payload) => setImmediate(() => membership.pong(payload)),
    onStandby: () => undefined,
    onSourceGap: () => undefined,
    onGap: (reason) => process.stderr.write(`gap: ${reason}\n`),
    lost: (reason) => process.stderr.write(`lost: ${reason}\n`),
  });
}

await using gateway = await startReplica({ url: values.url, keyPrefix: `${randomUUID()}:`, timings: TIMINGS });
await fill(gateway);
const bareRate = await bare(gateway);
const durableRate = await durable(gateway);
process.stdout.write(
  `${JSON.stringify({
    group: RESOURCE,
    format: values.format,
    bare: Math.round(bareRate),
    durable: Math.round(durableRate),
    ratio: Math.round((durableRate / bareRate) * 100) / 100,
    redelivered: gateway.groups.counters.get('default')?.redelivered,
  })}\n`,
);
