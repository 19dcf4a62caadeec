import { setTimeout as delay } from 'node:timers/promises';
import { createSimulator, type SimulatedEvent } from '../../protocol/simulator/simulator.ts';
import type { CallVoice } from './call-voice.ts';

/** For this share of the calls the switch sends no end, as if it was cut off. */
const SILENT_ENDS = 0.2;

export interface CallTrafficOptions {
  readonly voice: CallVoice;
  readonly accounts: readonly string[];
  readonly eventsPerSecond: number;
}

const START = Date.parse('2026-01-31T09:30:00Z');
/** Calls of this duration are sent one after the other, each whole. */
const LIFE_MS = 120_000;

/**
 * Calls of a switch, sent until each is acknowledged. Some ends are never sent. From time to time the switch sends a
 * list of its present calls, while other ends are pending.
 */
export class CallTraffic {
  readonly #options: CallTrafficOptions;
  /** Present calls of the switch. */
  readonly #live = new Set<string>();
  #stopped = false;
  #running: Promise<void> | null = null;

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

  /** Sends the switch's present calls; `nothing`: it has lost all. False when no replica answered. */
  list(nothing = false): Promise<boolean> {
    return this.#options.voice.list(nothing ? [] : this.#live);
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
    for (const { name, callId } of events) if (name === 'CHANNEL_CREATE') this.#live.add(callId);
    // The switch drops a call before its end is sent: a list may race with it.
    for (const { name, callId } of events) if (name === 'CHANNEL_DESTROY') this.#live.delete(callId);
    if (spoken.length === 0) return;
    await this.#options.voice.say(
      spoken.map(({ account, eventId, json }) => ({ account, id: eventId, event: JSON.parse(json) as object })),
    );
  }
}
