import { about, type Finding } from '../../protocol/finding.ts';

/** Another machine's clock, read from here. All times are Unix milliseconds of the respective clock. */
export interface ClockReading {
  readonly check: string;
  readonly subject: string;
  readonly asked: number;
  readonly answered: number;
  /** The time of the other clock, between these two. */
  readonly earliest: number;
  readonly latest: number;
}

/** Beyond this, times of events differ from what `from=`, latency and retention assume. */
const NOTICEABLE_MS = 1_000;
/** The leeway of token times: beyond this, fresh tokens are refused. */
const LEEWAY_MS = 25_000;

const FIX = 'let both machines follow a time server (chrony, systemd-timesyncd)';

/** The smallest possible difference to the other clock: excludes the time of transmission. */
export function judgeClock({ check, subject, asked, answered, earliest, latest }: ClockReading): Finding {
  const ahead = earliest - answered;
  const behind = asked - latest;
  const off = Math.max(0, ahead, behind);
  const say = about(check, subject);
  const seconds = `${(off / 1_000).toFixed(1)} s ${ahead > behind ? 'ahead of' : 'behind'} this machine's`;
  if (off > LEEWAY_MS) return say.fail(`the clock is ${seconds}, more than tokens allow for`, FIX);
  if (off > NOTICEABLE_MS) return say.warn(`the clock is ${seconds}`, FIX);
  return say.ok(
    `the clock agrees with this machine's (within ${((answered - asked) / 1_000 + off / 1_000).toFixed(3)} s)`,
  );
}
