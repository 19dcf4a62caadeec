import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

export interface DaemonOptions {
  readonly program: string;
  readonly args: readonly string[];
  /** File to which its output is appended. */
  readonly logFile: string;
  /** Whether it does its work by now; called until it does. */
  readonly isUp: () => Promise<boolean>;
  readonly limitMs?: number;
}

/** A program that runs beside the tests, and can be disturbed. */
export interface Daemon {
  readonly pid: number;
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Pauses it until `resume()`: SIGSTOP. */
  pause(): void;
  resume(): void;
  /** Ends it if it runs, and starts it again in the same way. */
  restart(): Promise<void>;
}

const START_LIMIT_MS = 60_000;
const alive = new Set<ChildProcess>();
const endAll = () => {
  for (const child of alive) child.kill('SIGKILL');
};
process.on('exit', endAll);
// A test that is stopped from outside runs no 'exit': its control plane would remain.
process.once('SIGTERM', () => {
  endAll();
  if (process.listenerCount('SIGTERM') === 0) process.exit(143);
});

/** Resolves when it is up; rejects with the end of its log when it is not up in time. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  let child = await launch(options);
  return {
    get pid() {
      return child.pid ?? 0;
    },
    kill: (signal = 'SIGKILL') => end(child, signal),
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async restart() {
      await end(child, 'SIGKILL');
      child = await launch(options);
    },
  };
}

async function launch(options: DaemonOptions): Promise<ChildProcess> {
  const output = openSync(options.logFile, 'a');
  const child = spawn(options.program, options.args, { stdio: ['ignore', output, output] });
  closeSync(output);
  const failed = once(child, 'error').then(([error]) => Promise.reject(error as Error));
  await Promise.race([once(child, 'spawn'), failed]);
  failed.catch(() => undefined);
  alive.add(child);
  child.once('exit', () => alive.delete(child));
  const deadline = Date.now() + (options.limitMs ?? START_LIMIT_MS);
  // A process that answers on its port after the end is another one.
  while (!(await options.isUp()) || child.exitCode !== null) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await end(child, 'SIGKILL');
      const said = (await readFile(options.logFile, 'utf8')).split('\n').slice(-15).join('\n');
      throw new Error(`${options.program} does not come up:\n${said}`);
    }
    await delay(50);
  }
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  // A paused process accepts only these signals.
  child.kill('SIGCONT');
  await gone;
}
