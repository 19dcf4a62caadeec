import type { Target } from './ratios.ts';

/** Of Server-Sent Events against a WebSocket, of webhooks against loops that only post, of the journal and of the console. */
export const DELIVERY_TARGETS = {
  P21: {
    id: 'P21',
    what: 'part of a core that the journal of 1,000 connections takes',
    better: 'lower',
    floor: 0.01,
    goal: 0.002,
    unit: '',
  },
  P21few: {
    id: 'P21',
    what: 'p99, 10 connections at 10,000 events/s, with the journal / without',
    better: 'lower',
    floor: 1.05,
    goal: 1.02,
    unit: 'x',
  },
  P21many: {
    id: 'P21',
    what: 'p99, 1,000 connections at 3,000 events/s, with the journal / without',
    better: 'lower',
    floor: 1.05,
    goal: 1.02,
    unit: 'x',
  },
  P21explain: {
    id: 'P21',
    what: 'an explanation of a recent event, p95, the journal as long as it gets',
    better: 'lower',
    floor: 50,
    goal: 25,
    unit: ' ms',
  },
  P23: {
    id: 'P23',
    what: 'cost of a delivery as Server-Sent Events / over a WebSocket, 32 a write',
    better: 'lower',
    floor: 1.05,
    goal: 1,
    unit: 'x',
  },
  P24: {
    id: 'P24',
    what: 'acknowledged webhooks/s at 64 at once / a bare loop that posts the same to the same receiver',
    better: 'higher',
    floor: 0.7,
    goal: 0.85,
    unit: '',
  },
  P24beside: {
    id: 'P24',
    what: 'p99 of a webhook beside a receiver that never answers / alone',
    better: 'lower',
    floor: 1.1,
    goal: 1.05,
    unit: 'x',
  },
  P25: {
    id: 'P25',
    what: 'from the log to the painted row of the console, p95, 500 events/s',
    better: 'lower',
    floor: 250,
    goal: 150,
    unit: ' ms',
  },
} as const satisfies Record<string, Target>;
