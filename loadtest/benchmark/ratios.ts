import { CALL_TARGETS } from './calls-targets.ts';

/** What a ratio has to be. */
export interface Target {
  readonly id: string;
  readonly what: string;
  readonly better: 'higher' | 'lower';
  /** Null for one that is only reported. */
  readonly floor: number | null;
  readonly goal: number | null;
  readonly unit: '' | 'x' | ' ms' | ' KB';
}

export const TARGETS = {
  P1: {
    id: 'P1',
    what: 'gateway with Redis in the path / C floor, 128 frames a write',
    better: 'higher',
    floor: 0.4,
    goal: 0.6,
    unit: '',
  },
  P2: {
    id: 'P2',
    what: 'fan-out alone, 32 a write / C floor, 32 frames a write',
    better: 'higher',
    floor: 0.55,
    goal: 0.7,
    unit: '',
  },
  P3: {
    id: 'P3',
    what: 'gateway / socket.io with its Redis Streams adapter',
    better: 'higher',
    floor: 30,
    goal: 60,
    unit: 'x',
  },
  P4: {
    id: 'P4',
    what: 'gateway / socket.io, 20 events/s',
    better: 'higher',
    floor: 1.2,
    goal: 1.5,
    unit: 'x',
  },
  P5: { id: 'P5', what: 'gateway / nats-server, WebSocket', better: 'higher', floor: 3, goal: 5, unit: 'x' },
  centrifugo: { id: '', what: 'gateway / Centrifugo', better: 'higher', floor: null, goal: null, unit: 'x' },
  P6: { id: 'P6', what: 'gateway / naive gateway', better: 'higher', floor: 40, goal: 75, unit: 'x' },
  P7batch: {
    id: 'P7',
    what: 'cost of all filters distinct / one filter, 32 a write',
    better: 'lower',
    floor: 1.4,
    goal: 1.2,
    unit: 'x',
  },
  P7saturated: {
    id: 'P7',
    what: 'cost of all filters distinct / one filter, gateway',
    better: 'lower',
    floor: 2,
    goal: 1.4,
    unit: 'x',
  },
  P8: {
    id: 'P8',
    what: 'cost of 5,000 connections / 100, fan-out at 32 a write',
    better: 'lower',
    floor: 1.3,
    goal: 1.1,
    unit: 'x',
  },
  P9: {
    id: 'P9',
    what: 'gateway saturated / fan-out at 1 a write',
    better: 'higher',
    floor: 20,
    goal: 40,
    unit: 'x',
  },
  P10: {
    id: 'P10',
    what: 'filter match of 10,000 subscriptions: scan / index',
    better: 'higher',
    floor: 80,
    goal: 120,
    unit: 'x',
  },
  P10hot: {
    id: 'P10',
    what: 'the same, account and event seen before',
    better: 'higher',
    floor: 80,
    goal: 300,
    unit: 'x',
  },
  P11few: {
    id: 'P11',
    what: 'p99, 10 connections at 10,000 events/s',
    better: 'lower',
    floor: 10,
    goal: 4,
    unit: ' ms',
  },
  P11many: {
    id: 'P11',
    what: 'p99, 1,000 connections at 3,000 events/s',
    better: 'lower',
    floor: 100,
    goal: 40,
    unit: ' ms',
  },
  P12: { id: 'P12', what: 'memory of an idle connection', better: 'lower', floor: 10, goal: 7, unit: ' KB' },
  P12peer: {
    id: 'P12',
    what: 'memory of an idle connection / socket.io',
    better: 'lower',
    floor: 0.7,
    goal: 0.5,
    unit: 'x',
  },
  P12tls: {
    id: 'P12',
    what: 'memory of an idle connection over TLS',
    better: 'lower',
    floor: 50,
    goal: 45,
    unit: ' KB',
  },
  P13: {
    id: 'P13',
    what: 'fan-out over TLS / without, 32 a write',
    better: 'higher',
    floor: 0.28,
    goal: 0.33,
    unit: '',
  },
  P15: {
    id: 'P15',
    what: 'durable groups, without sockets / XREADGROUP + XACK at 500',
    better: 'higher',
    floor: 0.25,
    goal: 0.5,
    unit: '',
  },
  P28: {
    id: 'P28',
    what: 'Asterisk by AMI, connection and mapper / splitting it into messages and keys',
    better: 'higher',
    floor: 0.25,
    goal: 0.5,
    unit: '',
  },
  P26typescript: {
    id: 'P26',
    what: 'events a second of CPU through the TypeScript client / a bare ws that parses',
    better: 'higher',
    floor: 0.5,
    goal: 0.6,
    unit: '',
  },
  P26python: {
    id: 'P26',
    what: 'events a second of CPU through the Python client / bare websockets that parses',
    better: 'higher',
    floor: 0.5,
    goal: 0.7,
    unit: '',
  },
  P16: {
    id: 'P16',
    what: 'p99 while logins take half a core / without',
    better: 'lower',
    floor: 2,
    goal: 1.3,
    unit: 'x',
  },
  P16all: {
    id: 'P16',
    what: 'p99 beside logins, resumes, slow consumers / without',
    better: 'lower',
    floor: 2,
    goal: 1.3,
    unit: 'x',
  },
  traced: {
    id: 'P17',
    what: 'cost of a delivery with 5 % of the events traced / with none',
    better: 'lower',
    floor: 1.05,
    goal: 1.02,
    unit: 'x',
  },
  ...CALL_TARGETS,
} as const satisfies Record<string, Target>;

export type TargetName = keyof typeof TARGETS;

export type Verdict = 'told' | 'goal' | 'floor' | 'missed' | 'unmeasured';

export interface Ratio {
  readonly target: Target;
  /** Median of the rounds that gave a figure; NaN when none did. */
  readonly value: number;
  readonly least: number;
  readonly most: number;
  readonly verdict: Verdict;
  /** Rounds that gave a figure, of all. */
  readonly counted: number;
  readonly rounds: number;
}

/** Of an even number the worse one of the two in the middle: a figure that was measured, and not the better one. */
export function median(values: readonly number[], better: Target['better']): number {
  const worstFirst = values.toSorted((a, b) => (better === 'higher' ? a - b : b - a));
  return worstFirst[Math.floor((worstFirst.length - 1) / 2)] ?? Number.NaN;
}

/**
 * The figure of each round is a ratio of neighbours in time: the machine drifts by more than what is measured. NaN is a
 * round that was disturbed. It is left out, since it proves nothing for or against the product.
 */
export function judge(target: Target, rounds: readonly number[]): Ratio {
  const counted = rounds.filter((figure) => !Number.isNaN(figure));
  const value = median(counted, target.better);
  const { floor, goal } = target;
  const reaches = (limit: number) => (target.better === 'higher' ? value >= limit : value <= limit);
  const reached =
    floor === null || goal === null ? 'told' : reaches(goal) ? 'goal' : reaches(floor) ? 'floor' : 'missed';
  return {
    target,
    value,
    least: Math.min(...counted),
    most: Math.max(...counted),
    verdict: counted.length === 0 ? 'unmeasured' : reached,
    counted: counted.length,
    rounds: rounds.length,
  };
}

/** Whether a figure is no more than `slack` times worse than its floor; with slack one that was not measured fails nobody. */
export function holds({ target, value, verdict }: Ratio, slack: number): boolean {
  const { floor, better } = target;
  if (verdict === 'unmeasured') return slack > 1;
  if (floor === null) return true;
  return better === 'higher' ? value * slack >= floor : value <= floor * slack;
}
