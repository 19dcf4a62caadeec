import { measureComparisons, type Comparison } from './comparisons.ts';
import { contenders, type ContenderName } from './contenders.ts';
import type { Ratio } from './ratios.ts';
import type { RunContext } from './run-context.ts';
import { cpuPerDelivery, deliveriesPerCpuSecond } from './sample.ts';

const CONNECTIONS = 1_000;
const speed = deliveriesPerCpuSecond;
const cost = cpuPerDelivery;
/**
 * write() alone. On some machines 128 frames a write cost more than 32: where the receiver is the bottleneck, larger
 * writes wait in full sockets, outside the caches. The cheaper one is the floor.
 */
const FLOORS = ['floor128', 'floor32'] as const;
const floorAgainst = (against: ContenderName) => ({ of: FLOORS, against });
const COMPARISONS: readonly Comparison<ContenderName>[] = [
  { target: 'P1', of: 'gateway', against: FLOORS, figure: speed, most: 1 },
  { target: 'P2', of: 'stage', against: 'floor32', figure: speed, most: 1 },
  { target: 'P23', of: 'stageEvents', against: 'stage', figure: cost },
  { target: 'P3', of: 'gateway', against: 'socketio', figure: speed, yardstick: floorAgainst('socketio') },
  { target: 'P5', of: 'gateway', against: 'nats', figure: speed, yardstick: floorAgainst('nats') },
  { target: 'centrifugo', of: 'gateway', against: 'centrifugo', figure: speed, yardstick: floorAgainst('centrifugo') },
  { target: 'P6', of: 'gateway', against: 'naive', figure: speed, yardstick: floorAgainst('naive') },
  { target: 'P7batch', of: 'stageDistinct', against: 'stage', figure: cost },
  { target: 'P7saturated', of: 'distinct', against: 'gateway', figure: cost },
  {
    target: 'P8',
    of: 'stage5000',
    against: 'stage100',
    figure: cost,
    isFullAlone: true,
    yardstick: { of: 'floor5000', against: 'floor100' },
  },
  {
    target: 'P9',
    of: 'gateway',
    against: 'stage1',
    figure: speed,
    isFullAlone: true,
    yardstick: floorAgainst('floor1'),
  },
  {
    target: 'P13',
    of: 'stageTls',
    against: 'stage',
    figure: speed,
    isFullAlone: true,
    yardstick: { of: 'floorTls', against: 'floor32' },
  },
];

/** Saturated servers, each event uncompressed. */
export function measureSaturatedRatios(run: RunContext): Promise<Ratio[]> {
  const { bench, mode, peers } = run;
  const seconds = (mode.warmMs + mode.windowMs) / 1_000 + 2;
  return measureComparisons(run, contenders(bench, { connections: CONNECTIONS, seconds, peers }), COMPARISONS);
}
