import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { until } from '../../testing/until.ts';

/** How to start an adapter: a program, its arguments, and its environment. */
export interface AdapterProgram {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly environment?: Readonly<Record<string, string>>;
}

/** A report of an adapter, one JSON object on each line; README.md has the keys of each. */
export interface Said {
  readonly is: 'adapter' | 'event' | 'delivery' | 'gap' | 'snapshot' | 'change' | 'end' | 'error';
  readonly id?: string;
  readonly event?: Readonly<Record<string, unknown>>;
  readonly account?: string | null;
  readonly attempt?: number;
  readonly reason?: string | null;
  readonly code?: string;
  readonly status?: number | null;
  readonly kind?: string;
  readonly call?: Readonly<Record<string, unknown>>;
  readonly calls?: readonly Readonly<Record<string, unknown>>[];
  readonly cannot?: readonly string[];
}

const DONE = new Set(['end', 'error']);

/** A client of any language under test: a process that receives orders and reports what its caller would see. */
export class Adapter implements AsyncDisposable {
  readonly said: Said[] = [];
  /** Everything that it printed, including its standard error: it must contain no secret. */
  shown = '';
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #closed: Promise<unknown>;

  constructor({ command: [program, ...args], environment = {} }: AdapterProgram) {
    this.#child = spawn(program, args, { env: { ...process.env, ...environment } });
    // Everything that it reported: a killed process has handled what it printed.
    this.#closed = once(this.#child, 'close');
    this.#child.once('error', (error) => (this.shown += error.message));
    // Drops orders to a process that was killed.
    this.#child.stdin.on('error', () => undefined);
    this.#child.stderr.on('data', (part) => (this.shown += String(part)));
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.shown += `${line}\n`;
      this.said.push(JSON.parse(line) as Said);
    });
  }

  order(order: object): void {
    this.#child.stdin.write(`${JSON.stringify(order)}\n`);
  }

  of(is: Said['is']): Said[] {
    return this.said.filter((one) => one.is === is);
  }

  /** The key `n` of the events that it reported, in order. */
  get numbers(): number[] {
    return this.said.flatMap(({ is, event }) => (is === 'event' || is === 'delivery' ? [Number(event?.['n'])] : []));
  }

  /** Waits until it has reported this, and returns the report. */
  async says(what: string, fits: (said: Said) => boolean, limitMs = 60_000): Promise<Said> {
    try {
      return await until(what, () => this.said.find(fits), { limitMs });
    } catch (error) {
      const last = this.said.slice(-3).map((one) => JSON.stringify(one).slice(0, 300));
      throw new Error(`${(error as Error).message}; it said last: ${last.join(' ')}; ${this.shown.slice(-500)}`, {
        cause: error,
      });
    }
  }

  /** Waits until it has ended by itself: `end` or `error`. */
  done(limitMs?: number): Promise<Said> {
    return this.says('the end', ({ is }) => DONE.has(is), limitMs);
  }

  /** Its resident memory, in bytes. Linux. */
  async memory(): Promise<number> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1_024;
  }

  /** Like a crash of the machine. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    await this.#closed;
  }
}
