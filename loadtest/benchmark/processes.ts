import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/** Where a process runs: the server under test has a core of its own, everything else shares the other. */
export type Place = 'server' | 'load';

export const CORES: Readonly<Record<Place, string>> = { server: '0', load: '1' };
const ANSWER_LIMIT_MS = 20_000;
const STOP_LIMIT_MS = 5_000;

export interface CpuTime {
  readonly userUs: number;
  readonly systemUs: number;
}

/** A child process that reads and writes lines. */
export interface Conversation extends AsyncDisposable {
  readonly pid: number;
  tell(line: string): void;
  /**
   * The result of `accept` for the next line that it does not refuse; rejects when the process ends before or takes too
   * long.
   */
  next<T>(accept: (line: string) => T | null, limitMs?: number): Promise<T>;
  /** Writes a line and reads the next JSON line as the answer. */
  ask<T>(line: string, limitMs?: number): Promise<T>;
}

export interface StartOptions {
  readonly place: Place;
  /** Runs only while nothing else needs its core: a program that is not measured must not delay the others there. */
  readonly isYielding?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
}

const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

let canPin: boolean | null = null;
let canYield: boolean | null = null;

/** Whether processes get cores of their own here. */
export function isPinned(): boolean {
  canPin ??= availableParallelism() > 1 && answers('taskset', ['-c', '1', 'true']);
  return canPin;
}

/** Prefix of a command that makes it yield to all others (sched(7), SCHED_IDLE); empty where that is not possible. */
function yielding(): readonly string[] {
  const prefix = ['-i', '0'];
  canYield ??= answers('chrt', [...prefix, 'true']);
  return canYield ? ['chrt', ...prefix] : [];
}

function answers(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, [...args], { stdio: 'ignore' });
    return true;
  } catch {
    // The program is not installed, or the machine does not allow it: the run continues without it.
    return false;
  }
}

const PIN_TRIES = 5;

/** Makes a running process yield with all its threads, where that is possible. */
export function yieldCore(pid: number): void {
  if (yielding().length === 0) return;
  answers('chrt', ['-a', '-i', '-p', '0', String(pid)]);
}

/** Moves a running process with all its threads. */
export function pin(pid: number, place: Place): void {
  if (!isPinned()) return;
  // An attempt fails when a thread ends while they are listed.
  for (let left = PIN_TRIES; left > 0; left -= 1) {
    if (answers('taskset', ['-a', '-c', '-p', CORES[place], String(pid)])) return;
  }
  throw new Error(`taskset could not move process ${pid} to the core of the ${place}`);
}

export async function start(command: readonly string[], options: StartOptions): Promise<Conversation> {
  const { place, isYielding = false } = options;
  const [program = '', ...args] = [
    ...(isPinned() ? ['taskset', '-c', CORES[place]] : []),
    ...(isYielding ? yielding() : []),
    ...command,
  ];
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.environment },
  });
  alive.add(child);
  const exited = once(child, 'exit').then(() => alive.delete(child));
  await once(child, 'spawn');
  return converse(child, exited, command.join(' '));
}

function converse(child: ChildProcess, exited: Promise<unknown>, title: string): Conversation {
  const { stdin, stdout, stderr, pid = 0 } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('unreachable: all three are pipes');
  const lines: string[] = [];
  let errors = '';
  let wake: (() => void) | null = null;
  let ended = false;
  createInterface({ input: stdout }).on('line', (line) => {
    lines.push(line);
    wake?.();
  });
  stderr.on('data', (data: Buffer) => {
    errors = (errors + data.toString()).slice(-2_000);
  });
  // A process that has ended accepts no more lines: callers that await its answer are rejected.
  stdin.on('error', () => wake?.());
  child.once('close', () => {
    ended = true;
    wake?.();
  });

  const next = async <T>(accept: (line: string) => T | null, limitMs = ANSWER_LIMIT_MS): Promise<T> => {
    const deadline = performance.now() + limitMs;
    for (;;) {
      for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
        const value = accept(line);
        if (value !== null) return value;
      }
      if (ended) throw new Error(`${title} ended: ${errors.trim() || `exit code ${child.exitCode}`}`);
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new Error(`${title} did not answer in ${limitMs} ms ${errors.trim()}`);
      const timer = new AbortController();
      await Promise.race([
        new Promise<void>((resolve) => {
          wake = resolve;
        }),
        delay(leftMs, undefined, { signal: timer.signal }).catch(() => undefined),
      ]);
      timer.abort();
      wake = null;
    }
  };
  const tell = (line: string) => void stdin.write(`${line}\n`);
  return {
    pid,
    tell,
    next,
    ask: <T>(line: string, limitMs?: number) => {
      tell(line);
      return next<T>((answer) => (answer.startsWith('{') ? (JSON.parse(answer) as T) : null), limitMs);
    },
    async [Symbol.asyncDispose]() {
      if (ended) return;
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
      await exited;
      clearTimeout(killer);
    },
  };
}

let ticksPerSecond: number | null = null;

function tickUs(): number {
  ticksPerSecond ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return 1e6 / ticksPerSecond;
}

/** CPU time of a process so far, all threads (proc_pid_stat(5), fields 14 and 15). */
export function cpuTime(pid: number): CpuTime {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the name in brackets and may contain anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const us = (at: number) => Number(fields[at]) * tickUs();
  return { userUs: us(11), systemUs: us(12) };
}

/**
 * How long the main thread was ready to run while *another process* had its core, in microseconds. Its own helper
 * threads share that core (above all, those of the garbage collector): their time is not a disturbance, and is
 * subtracted. From `schedstat`: nanoseconds on a core, nanoseconds of waiting for one.
 */
export function keptFromCoreUs(pid: number): number {
  let helpersNs = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    if (Number(thread) !== pid) helpersNs += scheduled(pid, thread).ranNs;
  }
  return (scheduled(pid, String(pid)).waitedNs - helpersNs) / 1_000;
}

/**
 * How long anything ran on the server's core so far, in microseconds (proc_stat(5)). Meaningful if the server is pinned
 * to it.
 */
export function coreBusyUs(): number {
  const line = new RegExp(`^cpu${CORES.server} (.*)$`, 'm').exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? '';
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.split(' ').map(Number);
  return (user + nice + system + irq + softirq) * tickUs();
}

function scheduled(pid: number, thread: string) {
  const [ranNs, waitedNs] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ').map(Number);
  return { ranNs: ranNs ?? 0, waitedNs: waitedNs ?? 0 };
}

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? 0) * 1024;
}
