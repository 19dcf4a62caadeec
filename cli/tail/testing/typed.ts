import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createProgram } from '../../commands.ts';
import { runProgram } from '../../program.ts';

const PROGRAM = fileURLToPath(new URL('../../firehose.ts', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

export interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  readonly output: () => string;
  readonly errors: () => string;
  readonly ended: Promise<Ended>;
}

/** Starts the executable as from a shell. Its standard input is empty until the test writes to it. */
export function start(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Started {
  const child = spawn(process.execPath, [PROGRAM, ...args], { env: { PATH: process.env['PATH'], ...environment } });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (part) => (output += String(part)));
  child.stderr.on('data', (part) => (errors += String(part)));
  child.stdin.on('error', () => undefined);
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, output, errors }));
  return { child, output: () => output, errors: () => errors, ended };
}

/** Runs a command line in this process: at a terminal, or with pipes. */
export function type(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  { isTTY = false }: { isTTY?: boolean } = {},
) {
  const input = Object.assign(new PassThrough(), { isTTY });
  const output = Object.assign(new PassThrough(), { isTTY, rows: 24 });
  const errors = new PassThrough();
  let [shown, said] = ['', ''];
  output.on('data', (part) => (shown += String(part)));
  errors.on('data', (part) => (said += String(part)));
  const { promise: code, resolve } = Promise.withResolvers<number>();
  const surroundings = { environment, exit: resolve };
  void runProgram(createProgram({ input, output, errors }, surroundings), args, surroundings);
  const ended = code.then((value) => ({ code: value, output: shown, errors: said }));
  return { input, output: () => shown, errors: () => said, ended };
}

export function linesOf(output: string): Record<string, unknown>[] {
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
