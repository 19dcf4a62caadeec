import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createSimulator, type SimulatedEvent } from '../../protocol/simulator/simulator.ts';
import { INGEST_PATH, RECONCILE_PATH } from '../../protocol/paths.ts';
import type { Replica } from './replica.ts';

/** The switch of all calls. */
const SWITCH = 'freeswitch@fs1';
const ATTEMPT_LIMIT_MS = 5_000;
/** Of so many ends the switch says nothing: it was cut off. */
const SILENT_ENDS = 0.2;

export interface CallTrafficOptions {
  readonly replicas: readonly Replica[];
  readonly stateFolder: string;
  readonly accounts: readonly string[];
  readonly eventsPerSecond: number;
}

const START = Date.parse('2026-01-31T09:30:00Z');
/** Calls of so much time are said one after the other: each whole. */
const LIFE_MS = 120_000;

type Said = 'taken' | 'not known';

/**
 * Calls of a switch, said to whichever replica is up until it is acknowledged. A part of the ends is never said; a list of what the
 * switch still has is said now and then, beside the ends that are on their way.
 */
export class CallTraffic {
  readonly #options: CallTrafficOptions;
  /** Calls that the switch has. */
  readonly #live = new Set<string>();
  #stopped = false;
  #running: Promise<void> | null = null;
  said = 0;

  constructor(options: CallTrafficOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** Says what the switch still has; `nothing`: it has lost all. False when no replica answered. */
  async list(nothing = false): Promise<boolean> {
    const listed_at = new Date().toISOString();
    const body = JSON.stringify({ switch: SWITCH, live: nothing ? [] : [...this.#live], listed_at });
    return (await this.#post(RECONCILE_PATH, body)) === 200;
  }

  async #run(): Promise<void> {
    const { accounts, eventsPerSecond } = this.#options;
    const batch = Math.ceil(eventsPerSecond / 20);
    const tenants = accounts.map((id) => ({ id, name: id, realm: `${id}.sip.example.com` }));
    for (let life = 0; !this.#stopped; life += 1) {
      const startAt = START + life * LIFE_MS;
      const times = { startAt, endAt: startAt + LIFE_MS };
      const simulator = createSimulator({ seed: `faults ${life}`, accounts: tenants, callsPerSecond: 12, ...times });
      const events = simulator.next(Number.MAX_SAFE_INTEGER);
      for (let at = 0; at < events.length && !this.#stopped; at += batch) {
        await this.#say(events.slice(at, at + batch));
        await delay(50);
      }
    }
  }

  async #say(events: readonly SimulatedEvent[]): Promise<void> {
    const spoken = events.filter(({ name }) => name !== 'CHANNEL_DESTROY' || Math.random() > SILENT_ENDS);
    const lines = spoken.map(({ account, eventId, json }) =>
      JSON.stringify({ account, id: eventId, event: { ...(JSON.parse(json) as object), Node: SWITCH } }),
    );
    for (const { name, callId } of events) if (name === 'CHANNEL_CREATE') this.#live.add(callId);
    // The switch forgets a call before its end is said: a list may race with it.
    for (const { name, callId } of events) if (name === 'CHANNEL_DESTROY') this.#live.delete(callId);
    if (lines.length === 0) return;
    while ((await this.#told(lines.join('\n'))) !== 'taken') await delay(50);
    this.said += lines.length;
  }

  async #told(body: string): Promise<Said> {
    return (await this.#post(INGEST_PATH, body, 'application/vnd.firehose.events+ndjson')) === 200
      ? 'taken'
      : 'not known';
  }

  /** The status; 0 without an answer. */
  async #post(path: string, body: string, type = 'application/json'): Promise<number> {
    const up = this.#options.replicas.filter(({ isUp }) => isUp);
    const inner = up[Math.floor(Math.random() * up.length)]?.inner;
    if (inner === undefined || inner === null) return 0;
    try {
      const token = (await readFile(join(this.#options.stateFolder, 'ingest-token'), 'utf8')).trim();
      const answer = await fetch(`http://${inner}${path}`, {
        method: 'POST',
        body,
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': type },
        signal: AbortSignal.timeout(ATTEMPT_LIMIT_MS),
      });
      await answer.arrayBuffer();
      return answer.status;
    } catch {
      return 0;
    }
  }
}
