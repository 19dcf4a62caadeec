import { printable } from '../terminal.ts';

export type Status = 'ok' | 'warn' | 'fail';

/** The result of one check of one thing. Holds no secret: it is printed, and sent along with questions for help. */
export interface Finding {
  /** Stable name of the check: `redis.memory`. */
  readonly check: string;
  /** Which one of several was looked at: an address, a file, a group; empty where there is one alone. */
  readonly subject: string;
  readonly status: Status;
  readonly seen: string;
  /** What to do about it; null when nothing is to be done. */
  readonly fix: string | null;
}

/** Findings about one thing. */
export interface About {
  ok(seen: string): Finding;
  /** It works, and will or may hurt. */
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

/** A line each, the fix below it, and the sum. */
export function asText(findings: readonly Finding[]): string {
  const width = Math.max(0, ...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, subject, status, seen, fix }) => {
    const head = `${status.padEnd(4)}  ${check.padEnd(width)}  `;
    const line = `${head}${printable(subject === '' ? seen : `${subject}: ${seen}`)}`;
    return fix === null ? [line] : [line, `${' '.repeat(head.length)}-> ${printable(fix)}`];
  });
  const count = (wanted: Status) => findings.filter(({ status }) => status === wanted).length;
  return [...lines, `${count('ok')} ok, ${count('warn')} warn, ${count('fail')} fail`, ''].join('\n');
}

/** `{"status":"warn","findings":[{"check","subject","status","seen","fix"}, ...]}` */
export function asJson(findings: readonly Finding[]): string {
  return `${JSON.stringify({ status: worst(findings), findings }, null, 2)}\n`;
}
