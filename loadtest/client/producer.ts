import http from 'k6/http';
import { INGEST_PATH } from '../../protocol/paths.ts';
import { producerLag, published } from '../report/metrics.ts';
import { EventBodies } from '../traffic/event-bodies.ts';
import { dueBy, nextDueMs } from '../traffic/pace.ts';
import { accountOf, CYCLE, encodeNumbering, END_PHASE, nameOf } from '../traffic/numbering.ts';
import { describe, pause } from './login.ts';

export interface ProducerOptions {
  readonly innerUrl: string;
  readonly token: string;
  readonly run: string;
  readonly calls: number;
  readonly accounts: readonly string[];
}

export interface Pace {
  /** Events a second. */
  readonly rate: number;
  readonly durationMs: number;
  /** Contained in each event. */
  readonly phase: string;
}

const TICK_MS = 100;
const MOST_A_BATCH = 2_000;
/** How long a batch is sent again before the test gives up. */
const SAY_LIMIT_MS = 30_000;
const ATTEMPT_LIMIT = '10s';

interface Line {
  readonly call: number;
  readonly n: number;
  readonly isLast: boolean;
}

/**
 * Publishes numbered events in batches, and sends each batch again, with the same ids, until the gateway acknowledges
 * it. Only acknowledged events count as published.
 */
export class Producer {
  readonly #options: ProducerOptions;
  readonly #bodies = new EventBodies();
  /** Part of the event ids: a later run of the same name must not count as a repetition. */
  readonly #begun = Date.now().toString(36);
  readonly #next: number[];
  #turn = 0;

  constructor(options: ProducerOptions) {
    this.#options = options;
    this.#next = Array.from({ length: options.calls }, () => 1);
  }

  /** Prefix of the ids of its events; `<call>:<n>` follows. */
  get idPrefix(): string {
    return `${this.#options.run}-${this.#begun}:`;
  }

  /** Returns how many milliseconds it was behind its plan at the end. */
  async publish({ rate, durationMs, phase }: Pace): Promise<number> {
    const begun = Date.now();
    let [done, lagMs] = [0, 0];
    while (Date.now() - begun < durationMs) {
      const due = dueBy(Date.now() - begun, rate) - done;
      const lines = Array.from({ length: Math.min(due, MOST_A_BATCH) }, () => this.#line());
      if (lines.length > 0) await this.#say(lines, phase);
      done += lines.length;
      const nextAt = begun + nextDueMs(done, rate);
      lagMs = Math.max(0, Date.now() - nextAt);
      producerLag.add(lagMs);
      await pause(Math.min(Math.ceil(nextAt - Date.now()), TICK_MS));
    }
    return lagMs;
  }

  /** Completes each call; nothing is owed afterwards. */
  async end(): Promise<void> {
    const calls = this.#next.map((_, call) => call);
    const most = Math.max(1, Math.floor(MOST_A_BATCH / (2 * CYCLE)));
    for (let from = 0; from < calls.length; from += most) {
      const lines = calls.slice(from, from + most).flatMap((call) => this.#ending(call));
      await this.#say(lines, END_PHASE);
    }
  }

  #line(): Line {
    const call = this.#turn++ % this.#options.calls;
    return this.#lineOf(call, false);
  }

  #lineOf(call: number, isLast: boolean): Line {
    const n = this.#next[call] ?? 1;
    this.#next[call] = n + 1;
    return { call, n, isLast };
  }

  /** Completes the current cycle, and adds a whole one. */
  #ending(call: number): Line[] {
    const lines: Line[] = [];
    while (((this.#next[call] ?? 1) - 1) % CYCLE !== 0) lines.push(this.#lineOf(call, false));
    for (let count = 0; count < CYCLE; count += 1) lines.push(this.#lineOf(call, true));
    return lines;
  }

  async #say(lines: readonly Line[], phase: string): Promise<void> {
    const sentAt = Date.now();
    const body = lines.map((line) => this.#wrapped({ ...line, sentAt, phase })).join('\n');
    for (;;) {
      const answer = await http.asyncRequest('POST', `${this.#options.innerUrl}${INGEST_PATH}`, body, {
        headers: {
          Authorization: `Bearer ${this.#options.token}`,
          'Content-Type': 'application/vnd.firehose.events+ndjson',
        },
        tags: { name: 'ingest' },
        timeout: ATTEMPT_LIMIT,
      });
      const text = typeof answer.body === 'string' ? answer.body : '';
      const taken = countOf(text, 'accepted') + countOf(text, 'duplicate');
      if (answer.status === 200 && taken === lines.length) break;
      if ((answer.status > 0 && answer.status < 500) || Date.now() - sentAt > SAY_LIMIT_MS) {
        throw new Error(`ingest: ${describe(answer)}, ${taken} of ${lines.length} taken. ${text.slice(0, 300)}`);
      }
      await pause(TICK_MS);
    }
    published.add(lines.length);
  }

  #wrapped({ call, n, isLast, sentAt, phase }: Line & { sentAt: number; phase: string }): string {
    const { run, accounts } = this.#options;
    const account = accountOf(call, accounts);
    const own = encodeNumbering({ run, call, n, isLast, sentAt, phase });
    const event = `${this.#bodies.open(nameOf(n), account)},"Call-ID":"${run}-${call}",${own}}`;
    return `{"event":${event},"account":"${account}","id":"${this.idPrefix}${call}:${n}"}`;
  }
}

/** A count in the answer: it follows the list of the events, which is long. */
function countOf(text: string, status: string): number {
  const at = text.lastIndexOf(`"${status}":`);
  return at < 0 ? 0 : Number.parseInt(text.slice(at + status.length + 3), 10);
}
