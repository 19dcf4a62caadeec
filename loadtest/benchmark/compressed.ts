import { measureComparisons, type Comparison } from './comparisons.ts';
import type { Contender } from './measurements.ts';
import type { Ratio } from './ratios.ts';
import type { RunContext } from './run-context.ts';
import { bytesPerDelivery, cpuPerDelivery, deliveriesPerCpuSecond } from './sample.ts';
import { startDeflating, startFloor, startGateway, startStage, type Bench } from './servers.ts';

/** As in contenders.ts. */
const AHEAD = 8_000;
const FILLER_EVERY = 5;
/** For P14: a thousand windows are half a second of work for 32 events. */
const FEW = 100;
const BATCH = 32;

/** In the order of one round: compared contenders are neighbours. */
type Name =
  | 'floor128'
  | 'gatewayDeflated'
  | 'floor32'
  | 'floor32Deflated'
  | 'stage'
  | 'stageDeflated'
  | 'stageHidden'
  | 'stageTls'
  | 'stageTlsDeflated'
  | 'fewDeflated'
  | 'fewOwnWindows'
  | 'fewFloorDeflated';

const speed = deliveriesPerCpuSecond;
const cost = cpuPerDelivery;
const COMPARISONS: readonly Comparison<Name>[] = [
  { target: 'P1deflated', of: 'gatewayDeflated', against: ['floor128', 'floor32'], figure: speed },
  {
    target: 'P14',
    of: 'fewDeflated',
    against: 'fewOwnWindows',
    figure: speed,
    yardstick: { of: 'fewFloorDeflated', against: 'fewOwnWindows' },
  },
  {
    target: 'P27',
    of: 'stageDeflated',
    against: 'stage',
    figure: cost,
    yardstick: { of: 'floor32Deflated', against: 'floor32' },
  },
  { target: 'P27bytes', of: 'stageDeflated', against: 'stage', figure: bytesPerDelivery },
  { target: 'P27tls', of: 'stageTlsDeflated', against: 'stageTls', figure: cost },
  { target: 'P13deflated', of: 'stageTlsDeflated', against: 'stage', figure: speed },
  { target: 'P22', of: 'stageHidden', against: 'stage', figure: cost },
];

/** Saturated servers with events of calls: compressed, uncompressed, and with a privacy profile. */
export async function measureCompressed(run: RunContext): Promise<Ratio[]> {
  const { bench, mode } = run;
  if (bench.programs.receiverDeflate === null) return [];
  const seconds = (mode.warmMs + mode.windowMs) / 1_000 + 2;
  return measureComparisons(run, await field(bench, seconds), COMPARISONS);
}

async function field(bench: Bench, seconds: number): Promise<Partial<Record<Name, Contender>>> {
  const { file, bytes, deflatedBytes } = await bench.configuration.events();
  const fedByItself = { ahead: 0, fillerEvery: 0, filters: 1, content: 'ordered' } as const;
  const floor = (frames: number, size: number) => ({
    ...fedByItself,
    name: `C floor, ${frames} a write, ${size} B`,
    content: 'none' as const,
    start: () => startFloor(bench, frames, size),
  });
  const stage = (extension: 'permessage-deflate' | 'none', more: { isTls?: boolean; hasPrivacy?: boolean } = {}) => ({
    ...fedByItself,
    start: () => startStage(bench, { batch: BATCH, filters: '1', seconds, content: { file, extension }, ...more }),
  });
  return {
    floor128: floor(128, bytes),
    gatewayDeflated: {
      name: 'gateway, compressed',
      filters: 1,
      content: 'complete',
      ahead: AHEAD,
      fillerEvery: FILLER_EVERY,
      start: () => startGateway(bench, 1, { content: { file, extension: 'permessage-deflate' } }),
    },
    stageHidden: { ...stage('none', { hasPrivacy: true }), name: 'fan-out, 32 a write, privacy' },
    stage: { ...stage('none'), name: 'fan-out, 32 a write' },
    stageDeflated: { ...stage('permessage-deflate'), name: 'fan-out, 32, compressed' },
    floor32Deflated: floor(BATCH, deflatedBytes),
    floor32: floor(BATCH, bytes),
    ...(bench.programs.receiverDeflateTls !== null && {
      stageTlsDeflated: { ...stage('permessage-deflate', { isTls: true }), name: 'fan-out, 32, compressed, TLS' },
      stageTls: { ...stage('none', { isTls: true }), name: 'fan-out, 32 a write, TLS' },
    }),
    fewDeflated: { ...stage('permessage-deflate'), name: 'fan-out, 32, compressed', connections: FEW },
    fewOwnWindows: {
      ...fedByItself,
      name: 'ws, a window each',
      content: 'complete',
      connections: FEW,
      start: () => startDeflating(bench, file),
    },
    fewFloorDeflated: { ...floor(BATCH, deflatedBytes), connections: FEW },
  };
}
