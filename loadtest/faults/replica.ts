import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import type { Setup } from './setup.ts';

const START_LIMIT_MS = 90_000;

/** A gateway that exits with one of these has code that cannot run: an invalid deliberate bug. */
const BROKEN_CODE = /\b(ReferenceError|SyntaxError)\b.*/;
let brokenCode: string | null = null;

/** The first error of that kind since the last call; null when there was none. */
export function takeBrokenCode(): string | null {
  const found = brokenCode;
  brokenCode = null;
  return found;
}

/** The machine was too busy, or the code does not start: nothing was tested. */
export class NotStarted extends Error {
  override readonly name = 'NotStarted';
}

const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** One gateway process, which can be ended in every way and started again. */
export class Replica implements AsyncDisposable {
  readonly #root: string;
  readonly #setup: Setup;
  #child: ChildProcess | null = null;
  #ports: { port: number; innerPort: number } = { port: 0, innerPort: 0 };

  constructor(root: string, setup: Setup) {
    this.#root = root;
    this.#setup = setup;
  }

  get isUp(): boolean {
    return this.#child !== null;
  }

  /** Null while it is down. */
  get host(): string | null {
    return this.#child === null ? null : `127.0.0.1:${this.#ports.port}`;
  }

  get inner(): string | null {
    return this.#child === null ? null : `127.0.0.1:${this.#ports.innerPort}`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [join(this.#root, 'gateway/main.ts')], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_ENV: 'production', ...this.#setup.environment },
    });
    alive.add(child);
    const output: string[] = [];
    child.once('exit', () => {
      alive.delete(child);
      if (this.#child === child) this.#child = null;
    });
    const ports = new Promise<{ port: number; innerPort: number }>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new NotStarted(`no gateway after ${START_LIMIT_MS} ms:\n${output.join('\n')}`)),
        START_LIMIT_MS,
      );
      child.once('exit', (code) => reject(new Error(`the gateway ended with ${code}:\n${output.join('\n')}`)));
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          if (output.push(line) > 50) output.shift();
          brokenCode ??= BROKEN_CODE.exec(line)?.[0] ?? null;
          const found = line.includes('"listening"')
            ? (JSON.parse(line) as { port: number; inner_port: number })
            : null;
          if (found === null) return;
          clearTimeout(timer);
          resolve({ port: found.port, innerPort: found.inner_port });
        });
      }
    });
    this.#ports = await ports;
    this.#child = child;
  }

  /** Ends the process and waits until it is gone. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const exited = once(child, 'exit');
    if (signal === 'SIGKILL') this.#child = null;
    child.kill(signal);
    await exited;
    this.#child = null;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL');
  }
}
