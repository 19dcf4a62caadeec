/**
 * The adapter of the TypeScript client with one deliberate fault, chosen by its argument: a test of the judge. It runs
 * in front of the true adapter and changes orders or reports.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

type Line = Record<string, unknown>;
interface Fault {
  /** Replaces one order. */
  readonly order?: (order: Line) => readonly Line[];
  /** Replaces a report of the client. */
  readonly say?: (said: Line) => readonly Line[];
}

let count = 0;
const isEvent = (said: Line) => said['is'] === 'event';
const FAULTS: Readonly<Record<string, Fault>> = {
  loses: { say: (said) => (isEvent(said) && ++count % 10 === 0 ? [] : [said]) },
  doubles: { say: (said) => (isEvent(said) && ++count % 10 === 0 ? [said, said] : [said]) },
  'swallows-gaps': { say: (said) => (said['is'] === 'gap' ? [] : [said]) },
  'shows-secrets': { say: (said) => (said['is'] === 'error' ? [{ ...said, message: 'adminpassword' }] : [said]) },
  'forgets-cursors': {
    order: (order) => [Object.fromEntries(Object.entries(order).filter(([key]) => key !== 'cursor_file'))],
  },
  'never-acknowledges': { order: (order) => (order['do'] === 'ack' ? [] : [order]) },
  'never-stops': { order: (order) => (order['do'] === 'stop' ? [] : [order]) },
  'misses-ends': { say: (said) => (said['kind'] === 'ended' ? [] : [said]) },
};

const fault = FAULTS[process.argv[2] ?? ''] ?? {};
const child = spawn(process.execPath, [fileURLToPath(new URL('typescript.ts', import.meta.url))], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
createInterface({ input: process.stdin }).on('line', (line) => {
  const order = JSON.parse(line) as Line;
  for (const one of fault.order?.(order) ?? [order]) child.stdin.write(`${JSON.stringify(one)}\n`);
});
createInterface({ input: child.stdout }).on('line', (line) => {
  const said = JSON.parse(line) as Line;
  for (const one of fault.say?.(said) ?? [said]) process.stdout.write(`${JSON.stringify(one)}\n`);
});
process.stdin.once('close', () => child.kill('SIGKILL'));
