import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { INGEST_PATH } from '../../protocol/paths.ts';
import type { Replica } from './replica.ts';

const CALLS = 40;
/** Accounts and event names by call and number: they determine every consumer's owed events. */
export const ACCOUNTS = ['north', 'south', 'north-1', 'root'] as const;
const NAMES = ['CHANNEL_CREATE', 'CHANNEL_ANSWER', 'DTMF', 'CHANNEL_DESTROY'] as const;

export const accountOf = (call: number): string => ACCOUNTS[call % ACCOUNTS.length] ?? 'root';
export const nameOf = (n: number): string => NAMES[n % NAMES.length] ?? 'DTMF';

const BATCH = 80;
const ATTEMPT_LIMIT_MS = 5_000;
/** Longer than any fault of a scenario: after this time the product will not recover. */
const BATCH_LIMIT_MS = 60_000;

export interface ProducerOptions {
  readonly replicas: readonly Pick<Replica, 'isUp' | 'inner'>[];
  /** Folder with the file `ingest-token`. */
  readonly stateFolder: string;
  /** Events a second. */
  readonly rate: number;
  /** Bytes added to each event. */
  readonly fillerBytes?: number;
  /** Number of interleaved calls. */
  readonly calls?: number;
}

/**
 * Numbers every event of a call, and sends each one again with the same id until it is acknowledged. Only acknowledged
 * events count as produced.
 */
export class Producer {
  readonly #options: ProducerOptions;
  /** Acknowledged events, by call. */
  readonly produced: number[];
  #stopped = false;
  #running: Promise<void> = Promise.resolve();
  #nextCall = 0;

  constructor(options: ProducerOptions) {
    this.#options = options;
    this.produced = Array.from({ length: options.calls ?? CALLS }, () => 0);
  }

  get total(): number {
    return this.produced.reduce((sum, count) => sum + count, 0);
  }

  start(): void {
    this.#stopped = false;
    this.#running = this.#run();
    // `stop` gives the rejection to its caller.
    this.#running.catch(() => undefined);
  }

  /** Stops after the current batch is acknowledged. Rejects when no replica accepted one for a minute. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    const token = (await readFile(join(this.#options.stateFolder, 'ingest-token'), 'utf8')).trim();
    const everyMs = (BATCH / this.#options.rate) * 1_000;
    let due = performance.now();
    while (!this.#stopped) {
      await this.#batch(token);
      due = Math.max(due + everyMs, performance.now() - everyMs);
      await delay(Math.max(0, due - performance.now()));
    }
  }

  async #batch(token: string): Promise<void> {
    const counts = [...this.produced];
    const lines: string[] = [];
    for (let at = 0; at < BATCH; at += 1) {
      const call = this.#nextCall++ % this.produced.length;
      const n = (counts[call] = (counts[call] ?? 0) + 1);
      lines.push(JSON.stringify({ event: this.#event(call, n), id: `${call}:${n}`, account: accountOf(call) }));
    }
    // `stop` does not end this: it must be known whether a sent event is in the log, or the accounting would fail.
    const limit = performance.now() + BATCH_LIMIT_MS;
    while (!(await this.#say(lines.join('\n'), token))) {
      if (performance.now() > limit) throw new Error(`no replica took a batch for ${BATCH_LIMIT_MS / 1_000} s`);
      await delay(50);
    }
    for (const [call, count] of counts.entries()) this.produced[call] = count;
  }

  #event(call: number, n: number): object {
    const filler = 'x'.repeat(this.#options.fillerBytes ?? 300);
    return { 'Event-Name': nameOf(n), 'Call-ID': `call-${call}`, call, n, filler };
  }

  async #say(body: string, token: string): Promise<boolean> {
    const inner = this.#options.replicas.find((replica) => replica.isUp)?.inner ?? null;
    if (inner === null) return false;
    try {
      const answer = await fetch(`http://${inner}${INGEST_PATH}`, {
        method: 'POST',
        body,
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/vnd.firehose.events+ndjson' },
        signal: AbortSignal.timeout(ATTEMPT_LIMIT_MS),
      });
      const { accepted, duplicate } = (await answer.json()) as { accepted: number; duplicate: number };
      return answer.status === 200 && accepted + duplicate === BATCH;
    } catch {
      return false; // Cut off, timed out or down: it is sent again.
    }
  }
}
