import { CALL_TARGETS } from './calls-targets.ts';
import { DELIVERY_TARGETS } from './delivery-targets.ts';

/** The required value of a ratio. */
export interface Target {
  readonly id: string;
  readonly what: string;
  readonly better: 'higher' | 'lower';
  /** Null for one that is only reported. */
  readonly floor: number | null;
  readonly goal: number | null;
  readonly unit: '' | 'x' | ' ms' | ' KB';
  /**
   * For a ratio whose other side differs by machine: which share of the C floor's value in the same run suffices if
   * that is below floor and goal. The cost of a peer's write or of a write of one event is not a property of the
   * gateway.
   */
  readonly share?: { readonly floor: number; readonly goal: number };
}

/** About what P1 requires of the gateway against the C floor. */
const SHARE = { floor: 0.6, goal: 0.75 } as const;

export const TARGETS = {
  P1: {
    id: 'P1',
    what: 'gateway with Redis in the path / C floor, 128 or 32 frames a write',
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
    share: SHARE,
  },
  P4: {
    id: 'P4',
    what: 'gateway / socket.io, 20 events/s',
    better: 'higher',
    floor: 1.2,
    goal: 1.5,
    unit: 'x',
    share: SHARE,
  },
  P5: {
    id: 'P5',
    what: 'gateway / nats-server, WebSocket',
    better: 'higher',
    floor: 3,
    goal: 5,
    unit: 'x',
    share: SHARE,
  },
  centrifugo: { id: '', what: 'gateway / Centrifugo', better: 'higher', floor: null, goal: null, unit: 'x' },
  P6: { id: 'P6', what: 'gateway / naive gateway', better: 'higher', floor: 40, goal: 75, unit: 'x', share: SHARE },
  P7batch: {
    id: 'P7',
    what: 'cost of all filters distinct / one filter, 32 a write',
    better: 'lower',
    floor: 1.3,
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
    share: SHARE,
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
  P1deflated: {
    id: 'P1',
    what: 'the same, compressed / C floor, the same events as they are',
    better: 'higher',
    floor: 0.8,
    goal: 1,
    unit: '',
  },
  P13deflated: {
    id: 'P13',
    what: 'fan-out over TLS, compressed / without both, 32 a write',
    better: 'higher',
    floor: 0.45,
    goal: 0.8,
    unit: '',
  },
  P14: {
    id: 'P14',
    what: 'fan-out, compressed, 100 connections / ws with a window each',
    better: 'higher',
    floor: 100,
    goal: 150,
    unit: 'x',
    share: SHARE,
  },
  P22: {
    id: 'P22',
    what: 'cost of a delivery with a privacy profile / without, 32 a write',
    better: 'lower',
    floor: 1.1,
    goal: 1.05,
    unit: 'x',
  },
  P27: {
    id: 'P27',
    what: 'cost of a delivery compressed / as it is, fan-out, 32 a write',
    better: 'lower',
    floor: 0.6,
    goal: 0.4,
    unit: '',
    // Share of what a write of a few bytes saves; compression costs extra.
    share: { floor: 0.8, goal: 0.95 },
  },
  P27tls: { id: 'P27', what: 'the same over TLS', better: 'lower', floor: 0.6, goal: 0.45, unit: '' },
  P27bytes: {
    id: 'P27',
    what: 'bytes of a delivery compressed / as it is',
    better: 'lower',
    floor: 0.3,
    goal: 0.18,
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
  P29: {
    id: 'P29',
    what: 'Kazoo, connection and mapper / a consumer that parses',
    better: 'higher',
    floor: 0.25,
    goal: 0.5,
    unit: '',
  },
  P29log: {
    id: 'P29',
    what: 'Kazoo, from its bus into the log / appending without a look',
    better: 'higher',
    floor: 0.25,
    goal: 0.5,
    unit: '',
  },
  P30: {
    id: 'P30',
    what: 'FreeSWITCH by event socket, connection and mapper / parsing it',
    better: 'higher',
    floor: 0.25,
    goal: 0.5,
    unit: '',
  },
  P31: {
    id: 'P31',
    what: 'Asterisk by ARI, connection and mapper / a bare ws that parses',
    better: 'higher',
    floor: 0.25,
    goal: 0.5,
    unit: '',
  },
  P32: {
    id: 'P32',
    what: 'memory of what a standby keeps / what its limit counts',
    better: 'lower',
    floor: 1.5,
    goal: 1.1,
    unit: 'x',
  },
  P33: {
    id: 'P33',
    what: 'from the death of a leader to its events in the log',
    better: 'lower',
    floor: 6_000,
    goal: 5_300,
    unit: ' ms',
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
  ...DELIVERY_TARGETS,
} as const satisfies Record<string, Target>;

export type TargetName = keyof typeof TARGETS;

export type Verdict = 'told' | 'goal' | 'floor' | 'missed' | 'unmeasured';

export interface Ratio {
  readonly target: Target;
  /** Median of the rounds with a figure; NaN when there is none. */
  readonly value: number;
  readonly least: number;
  readonly most: number;
  readonly verdict: Verdict;
  /** The limit for the value. */
  readonly floor: number | null;
  readonly goal: number | null;
  /** The same ratio of the C floor; null where it has none. */
  readonly yardstick: number | null;
  /** Rounds with a figure, and all rounds. */
  readonly counted: number;
  readonly rounds: number;
}

/** Of an even number, the worse of the two in the middle: a figure that was really measured. */
export function median(values: readonly number[], better: Target['better']): number {
  const worstFirst = values.toSorted((a, b) => (better === 'higher' ? a - b : b - a));
  return worstFirst[Math.floor((worstFirst.length - 1) / 2)] ?? Number.NaN;
}

/**
 * The figure of each round is a ratio of neighbours in time, because the machine drifts by more than the measured
 * difference. NaN is a disturbed round. It is excluded, because it proves nothing for or against the product.
 * `yardsticks` are the same ratio of the C floor.
 */
export function judge(target: Target, rounds: readonly number[], yardsticks: readonly number[] = []): Ratio {
  const counted = undisturbed(rounds);
  const value = median(counted, target.better);
  const measured = undisturbed(yardsticks);
  const yardstick = measured.length === 0 ? null : median(measured, target.better);
  const { floor, goal } = limitsOf(target, yardstick);
  const reaches = (limit: number) => (target.better === 'higher' ? value >= limit : value <= limit);
  const reached =
    floor === null || goal === null ? 'told' : reaches(goal) ? 'goal' : reaches(floor) ? 'floor' : 'missed';
  return {
    target,
    value,
    least: Math.min(...counted),
    most: Math.max(...counted),
    verdict: counted.length === 0 ? 'unmeasured' : reached,
    floor,
    goal,
    yardstick,
    counted: counted.length,
    rounds: rounds.length,
  };
}

const undisturbed = (figures: readonly number[]) => figures.filter((figure) => !Number.isNaN(figure));

/** Never stricter than the target's own, and looser where the C floor itself is close to it. */
function limitsOf({ floor, goal, share, better }: Target, yardstick: number | null): Pick<Ratio, 'floor' | 'goal'> {
  if (share === undefined || yardstick === null || floor === null || goal === null) return { floor, goal };
  if (better === 'lower') {
    return { floor: Math.max(floor, yardstick / share.floor), goal: Math.max(goal, yardstick / share.goal) };
  }
  return { floor: Math.min(floor, share.floor * yardstick), goal: Math.min(goal, share.goal * yardstick) };
}

/** Whether a figure is at most `slack` times worse than its floor; with slack, a missing figure is not a failure. */
export function holds({ target, value, verdict, floor }: Ratio, slack: number): boolean {
  const { better } = target;
  if (verdict === 'unmeasured') return slack > 1;
  if (floor === null) return true;
  return better === 'higher' ? value * slack >= floor : value <= floor * slack;
}
