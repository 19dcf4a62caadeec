import type { Contender } from './measurements.ts';
import { startFloor, startGateway, startNaiveGateway, startStage, type Bench } from './servers.ts';

/** About 8 MiB of events: well within the tail that a gateway keeps in memory, and enough for its largest writes. */
const AHEAD = 8_000;
/** A thousand connections are a second of work for each 65 events. */
const NAIVE_AHEAD = 60;
/** One event of five matches nobody, so that no gateway can send what Redis gave it as one piece. */
const FILLER_EVERY = 5;

/** Everything that is saturated, in the order of one round: those that are compared are neighbours. */
export function contenders(bench: Bench, options: { connections: number; seconds: number }) {
  const { connections, seconds } = options;
  const stage = (filters: '1' | 'distinct') => () => startStage(bench, { batch: 32, filters, seconds });
  const ofGateway = { content: 'complete', ahead: AHEAD, fillerEvery: FILLER_EVERY } as const;
  const fedByItself = { ahead: 0, fillerEvery: 0, filters: 1 } as const;
  return {
    floor128: { ...fedByItself, name: 'C floor, 128 a write', content: 'none', start: () => startFloor(bench, 128) },
    gateway: { ...ofGateway, name: 'gateway', filters: 1, start: () => startGateway(bench, 1) },
    distinct: {
      ...ofGateway,
      name: 'gateway, all distinct',
      filters: connections,
      start: () => startGateway(bench, connections),
    },
    naive: {
      name: 'naive gateway',
      filters: 0,
      content: 'complete',
      ahead: NAIVE_AHEAD,
      // It knows no filter.
      fillerEvery: 0,
      start: () => startNaiveGateway(bench),
    },
    floor32: { ...fedByItself, name: 'C floor, 32 a write', content: 'none', start: () => startFloor(bench, 32) },
    stage: { ...fedByItself, name: 'fan-out, 32 a write', content: 'ordered', start: stage('1') },
    stageDistinct: {
      ...fedByItself,
      name: 'fan-out, 32, all distinct',
      filters: connections,
      content: 'ordered',
      start: stage('distinct'),
    },
  } as const satisfies Record<string, Contender>;
}
