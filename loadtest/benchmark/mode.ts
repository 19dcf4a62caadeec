/**
 * How long each part of a run takes. `quick` is for CI: no peers, and loose floors, because others may use a part of
 * the machine. `full` is for figures that are kept.
 */
export interface Mode {
  readonly name: 'quick' | 'full';
  /** Of saturated servers. */
  readonly rounds: number;
  readonly warmMs: number;
  readonly windowMs: number;
  /** At a fixed rate, with latencies. */
  readonly pacedRounds: number;
  readonly pacedSeconds: number;
  readonly durableRounds: number;
  readonly durableEvents: number;
  /** Of each size of each curve. */
  readonly growthRounds: number;
  /** A run fails when a figure is this many times worse than its floor. */
  readonly slack: number;
}

export const MODES = {
  quick: {
    name: 'quick',
    rounds: 3,
    warmMs: 400,
    windowMs: 1_000,
    pacedRounds: 1,
    pacedSeconds: 3,
    durableRounds: 3,
    durableEvents: 60_000,
    growthRounds: 1,
    slack: 2,
  },
  full: {
    name: 'full',
    rounds: 5,
    warmMs: 1_000,
    windowMs: 3_000,
    pacedRounds: 5,
    pacedSeconds: 6,
    durableRounds: 5,
    durableEvents: 200_000,
    growthRounds: 2,
    slack: 1,
  },
} as const satisfies Record<string, Mode>;

export const PARTS = [
  'saturated',
  'compressed',
  'match',
  'latency',
  'durable',
  'webhooks',
  'switches',
  'clients',
  'calls-table',
  'calls-read',
  'calls-cost',
  'calls-latency',
  'journal',
  'journal-latency',
  'explain',
  'console',
  'idle',
  'beside',
  'traced',
  'growth',
] as const;
export type Part = (typeof PARTS)[number];
/** Without this, quick mode skips what takes longer than its limit. */
const OF_QUICK: readonly Part[] = ['saturated', 'match', 'latency', 'durable', 'switches'];

const WHERE_POSSIBLE = '--where-possible';

export interface Asked {
  readonly mode: Mode;
  readonly parts: readonly Part[];
  /** A machine that cannot run it is reported, and is not a failure. */
  readonly isWherePossible: boolean;
}

/** The arguments of `npm run bench -- ...`; null when they are invalid. */
export function readArguments(args: readonly string[]): Asked | null {
  const isWherePossible = args.includes(WHERE_POSSIBLE);
  const [first = 'quick', ...rest] = args.filter((word) => word !== WHERE_POSSIBLE);
  const mode = Object.values(MODES).find(({ name }) => name === first);
  if (mode === undefined) return null;
  const parts = PARTS.filter((part) => rest.includes(part));
  if (parts.length < new Set(rest).size) return null;
  if (rest.length > 0) return { mode, parts, isWherePossible };
  return { mode, parts: mode.name === 'quick' ? OF_QUICK : PARTS, isWherePossible };
}
