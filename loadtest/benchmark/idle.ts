import { setTimeout as delay } from 'node:timers/promises';
import { connectAll } from './load.ts';
import { startSocketIo } from './peers/start-socketio.ts';
import { residentBytes } from './processes.ts';
import { judge, TARGETS, type Ratio } from './ratios.ts';
import { progress, type RunContext } from './run-context.ts';
import { startGateway, type Server } from './servers.ts';

/** One-time memory of every process: code, buffers, the first garbage. */
const FIRST = 500;
const MORE = 5_000;
const SETTLE_MS = 2_000;
const ROUNDS = 3;

/** P12: resident memory of each further idle connection. */
export async function measureIdle(run: RunContext): Promise<Ratio[]> {
  const socketio = run.peers.get('socketio');
  const hasTls = run.bench.programs.receiverTls !== null;
  const figures = { ours: [] as number[], against: [] as number[], tls: [] as number[] };
  for (let round = 1; round <= ROUNDS; round += 1) {
    const plain = await bytesEach(run, 'gateway', () => startGateway(run.bench, 1));
    figures.ours.push(plain / 1_024);
    if (socketio !== undefined) {
      const theirs = await bytesEach(run, 'socket.io', () => startSocketIo(run.bench, socketio.path));
      figures.against.push(plain / theirs);
    }
    if (hasTls) {
      const tls = await bytesEach(run, 'gateway, TLS', () => startGateway(run.bench, 1, { isTls: true }));
      figures.tls.push(tls / 1_024);
    }
  }
  return [
    judge(TARGETS.P12, figures.ours),
    ...(socketio === undefined ? [] : [judge(TARGETS.P12peer, figures.against)]),
    ...(hasTls ? [judge(TARGETS.P12tls, figures.tls)] : []),
  ];
}

/** Number of idle connections beyond the first ones. */
export async function bytesEach({ bench }: RunContext, name: string, start: () => Promise<Server>): Promise<number> {
  await bench.redis.restart();
  await using server = await start();
  await using first = await connectAll(bench, server, { connections: FIRST, sampleEvery: FIRST });
  await delay(SETTLE_MS);
  const before = residentBytes(server.pid);
  await using more = await connectAll(bench, server, { connections: MORE, sampleEvery: MORE });
  await delay(SETTLE_MS);
  const bytes = (residentBytes(server.pid) - before) / MORE;
  const closed = await Promise.all(
    [first, more].map(async (one) => (await one.ask<{ closed: number }>('mark')).closed),
  );
  if (closed.some((count) => count > 0)) throw new Error(`${name} closed idle connections`);
  progress(`  ${name}: ${(bytes / 1_024).toFixed(1)} KB an idle connection`);
  return bytes;
}
