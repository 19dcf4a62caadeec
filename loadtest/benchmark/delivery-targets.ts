import type { Target } from './ratios.ts';

/** Of Server-Sent Events against a WebSocket, and of webhooks against loops that only post. */
export const DELIVERY_TARGETS = {
  P21: {
    id: 'P21',
    what: 'part of a core that the journal of 1,000 connections takes',
    better: 'lower',
    floor: 0.01,
    goal: 0.002,
    unit: '',
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
} as const satisfies Record<string, Target>;
