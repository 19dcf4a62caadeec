#!/usr/bin/env node
import { createProgram } from './commands.ts';
import { runProgram } from './program.ts';

const terminal = { input: process.stdin, output: process.stdout, errors: process.stderr };
const FLUSH_LIMIT_MS = 2_000;

/** Ends the process once its output has reached the pipe, or after 2 s when nothing reads it. */
function exit(code: number): void {
  const leave = () => process.exit(code);
  setTimeout(leave, FLUSH_LIMIT_MS);
  terminal.output.write('', () => terminal.errors.write('', leave));
}

const surroundings = { environment: process.env, exit };
await runProgram(createProgram(terminal, surroundings), process.argv.slice(2), surroundings);
