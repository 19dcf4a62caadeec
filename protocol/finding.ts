export type Status = 'ok' | 'warn' | 'fail';

/**
 * The result of one check of one subject. Contains no secret: it is printed, and sent along with questions for help.
 */
export interface Finding {
  /** Stable name of the check: `redis.memory`. */
  readonly check: string;
  /** The checked subject if there are several: an address, a file, a group; empty if there is only one. */
  readonly subject: string;
  readonly status: Status;
  readonly seen: string;
  /** What to do about it; null when nothing is to be done. */
  readonly fix: string | null;
}

/** Findings about one subject. */
export interface About {
  ok(seen: string): Finding;
  /** It works, but may cause harm. */
  warn(seen: string, fix: string): Finding;
  /** It does not work, or loses events. */
  fail(seen: string, fix: string): Finding;
}

export function about(check: string, subject = ''): About {
  return {
    ok: (seen) => ({ check, subject, status: 'ok', seen, fix: null }),
    warn: (seen, fix) => ({ check, subject, status: 'warn', seen, fix }),
    fail: (seen, fix) => ({ check, subject, status: 'fail', seen, fix }),
  };
}

const ORDER: readonly Status[] = ['ok', 'warn', 'fail'];

/** The worst of them; `ok` for none. */
export function worst(findings: readonly Finding[]): Status {
  return ORDER[Math.max(0, ...findings.map(({ status }) => ORDER.indexOf(status)))] ?? 'ok';
}
