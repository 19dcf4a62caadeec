import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { measureSaturated, type Contender } from './measurements.ts';
import { judge, TARGETS, type Ratio } from './ratios.ts';
import { note, progress, type RunContext } from './run-context.ts';
import { cpuPerDelivery, isDisturbed } from './sample.ts';
import { startGateway } from './servers.ts';

const CONNECTIONS = 1_000;
/** Times the rounds of the mode: a difference of 2 % is less than the difference between two unchanged windows. */
const PAIRS = 2;
/** 5 %. */
const TRACED_EVERY = 20;
const FEED = { filters: 1, content: 'complete', ahead: 8_000, fillerEvery: 5, tracedEvery: TRACED_EVERY } as const;

/** What telemetry costs for each delivery: the same events, 5 % of them of a recorded trace, exported or not. */
export async function measureTraced({ bench, mode, ...run }: RunContext): Promise<Ratio[]> {
  await using collector = await startCollector();
  const off: Contender = { ...FEED, name: 'gateway, telemetry off', start: () => startGateway(bench, 1) };
  const on: Contender = {
    ...FEED,
    name: 'gateway, 5 % traced',
    start: () =>
      startGateway(bench, 1, {
        telemetry: {
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
          OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
          OTEL_TRACES_SAMPLER_ARG: '0.05',
          OTEL_BSP_SCHEDULE_DELAY: '200',
        },
      }),
  };
  const window = { connections: CONNECTIONS, warmMs: mode.warmMs, windowMs: mode.windowMs };
  const context = { bench, mode, ...run };
  const untraced = async () => note(context, await measureSaturated(bench, off, window));
  const exporting = async () => {
    const exported = collector.bytes();
    const sample = note(context, await measureSaturated(bench, on, window));
    if (collector.bytes() === exported) run.faults.push('traced: nothing was exported');
    return sample;
  };
  const figures: number[] = [];
  const rounds = mode.rounds * PAIRS;
  for (let round = 1; round <= rounds; round += 1) {
    progress(`traced, round ${round} of ${rounds}`);
    // Each is first in half of the rounds: a machine that drifts would favour the same side of all pairs.
    const first = round % 2 === 1 ? null : await exporting();
    const without = await untraced();
    const traced = first ?? (await exporting());
    figures.push(
      isDisturbed(without) || isDisturbed(traced) ? Number.NaN : cpuPerDelivery(traced) / cpuPerDelivery(without),
    );
  }
  return [judge(TARGETS.traced, figures)];
}

/** Accepts everything and checks nothing. */
async function startCollector() {
  let bytes = 0;
  const server = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    request.on('end', () => response.end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bytes: () => bytes,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
