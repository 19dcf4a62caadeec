import { META_KEY } from '../../../../protocol/event-meta.ts';
import { object, parsed, text, type Json } from '../base/read.ts';
import { redraw } from '../base/redraw.ts';
import { rowOf } from '../live/event-row.ts';
import type { Ring } from '../live/ring.ts';
import { Stream } from '../live/stream.ts';

/** Events of one call are few; this is against a Call-ID that everything has. */
const MOST = 2_000;

export interface GatherParts {
  readonly token: () => string | null;
  /** The live events of the page: they say what comes after the replay. */
  readonly ring: Ring;
  readonly callId: string;
  /** When to begin, as the stream takes it. */
  readonly from: string;
}

/** The events of a call: from a replay of the log, and from what comes live. A leg belongs to it by its Call-ID or its interaction. */
export class Gather {
  readonly #parts: GatherParts;
  readonly #calls: Set<string>;
  readonly #interactions = new Set<string>();
  readonly #events = new Map<string, Json>();
  /** Of legs that nothing has tied to the call yet. */
  readonly #replay: Stream;
  #others: Json[] = [];
  #read = 0;
  #state: 'reading' | 'done' | 'refused' = 'reading';
  #why = '';

  constructor(parts: GatherParts) {
    this.#parts = parts;
    this.#calls = new Set([parts.callId]);
    this.#replay = new Stream({
      token: parts.token,
      parameters: { from: parts.from, to: '-0s' },
      onEvent: (message) => this.#take(message),
      onFrame: (frame) => {
        if (frame['type'] === 'gap') this.#why = 'The log no longer has all of that time.';
      },
      onState: (state) => {
        if (state.kind !== 'ended') return;
        this.#state = state.verdict.isReplayDone ? 'done' : 'refused';
        if (!state.verdict.isReplayDone) this.#why = state.verdict.text;
        this.#others = [];
        redraw();
      },
    });
  }

  get events(): readonly Json[] {
    this.#takeLive();
    return [...this.#events.values()];
  }

  get state(): { readonly kind: 'reading' | 'done' | 'refused'; readonly why: string } {
    return { kind: this.#state, why: this.#why };
  }

  start(): void {
    this.#replay.open();
  }

  stop(): void {
    this.#replay.close();
  }

  /** What the page heard since it last looked. */
  #takeLive(): void {
    const { ring } = this.#parts;
    const fresh = Math.min(ring.length, ring.heard - this.#read);
    for (let at = fresh - 1; at >= 0; at -= 1) {
      const item = ring.get(at);
      if (item?.kind === 'event' && this.#mayBelong(item.text)) this.#take(item.text);
    }
    this.#read = ring.heard;
  }

  /** Before it is read: most events are of other calls. */
  #mayBelong(message: string): boolean {
    return [...this.#calls, ...this.#interactions].some((id) => message.includes(JSON.stringify(id).slice(1, -1)));
  }

  #take(message: string): void {
    if (this.#events.size >= MOST) return;
    const event = parsed(message);
    if (this.#belongs(event)) return this.#keep(event);
    if (this.#state === 'reading' && this.#others.length < MOST) this.#others.push(event);
  }

  #belongs(event: Json): boolean {
    const { call, interaction } = rowOf(event);
    const other = text(event['Other-Leg-Call-ID']);
    return (
      [call, other].some((id) => id !== null && this.#calls.has(id)) ||
      (interaction !== null && this.#interactions.has(interaction))
    );
  }

  /** A leg that is new to the call may bring in events that were read before. */
  #keep(event: Json): void {
    const id = text(object(event[META_KEY])['id']) ?? String(this.#events.size);
    this.#events.set(id, event);
    const { call, interaction } = rowOf(event);
    const known = this.#calls.size + this.#interactions.size;
    if (call !== null) this.#calls.add(call);
    if (interaction !== null) this.#interactions.add(interaction);
    redraw();
    if (known === this.#calls.size + this.#interactions.size) return;
    const waiting = this.#others;
    this.#others = [];
    for (const one of waiting) {
      if (this.#belongs(one)) this.#keep(one);
      else this.#others.push(one);
    }
  }
}
