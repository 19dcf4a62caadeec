import type { Target } from './ratios.ts';

/** Limits of the cost of the table of live calls. */
export const CALL_TARGETS = {
  P18: {
    id: 'P18',
    what: 'p99 while a snapshot of 100,000 live calls is read every second / without',
    better: 'lower',
    floor: 1.2,
    goal: 1.1,
    unit: 'x',
  },
  P19: {
    id: 'P19',
    what: 'processor of Redis an event with live calls / without',
    better: 'lower',
    floor: 3.5,
    goal: 2.2,
    unit: 'x',
  },
  P20: {
    id: 'P20',
    what: 'a snapshot of 100 calls as frames / the same by pipelined HVALS',
    better: 'lower',
    floor: 3,
    goal: 2,
    unit: 'x',
  },
  P1calls: {
    id: 'P1',
    what: 'cost of a delivery with live calls / without',
    better: 'lower',
    floor: 1.05,
    goal: 1.02,
    unit: 'x',
  },
  P11calls: {
    id: 'P11',
    what: 'p99 at 3,000 events/s with live calls / without',
    better: 'lower',
    floor: 1.05,
    goal: 1.02,
    unit: 'x',
  },
} as const satisfies Record<string, Target>;
