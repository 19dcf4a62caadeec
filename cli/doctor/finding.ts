import { worst, type Finding, type Status } from '../../protocol/finding.ts';
import { printable } from '../terminal.ts';

/** One line for each, the fix below it, and the sum. */
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
