import { setTimeout as delay } from 'node:timers/promises';
import type { EventLog } from '../../event-log/event-log.ts';
import type { SourceGap } from '../../protocol/source-gap.ts';
import { gapEvent, gapStore } from '../collector/gaps.ts';
import { newEvent } from '../new-event.ts';
import { forgetMarkers, noteMarkers, readMarkers, recordLook, type CoveragePlace } from './coverage.ts';
import type { Coverage, Look, Settlement } from './look.ts';
import type { OverflowWatch } from './overflow-watch.ts';

export interface LossesOptions {
  readonly place: CoveragePlace;
  /** How long a message may wait in the queue, in milliseconds. */
  readonly ttlMs: number;
  readonly overflow: OverflowWatch;
  readonly eventLog: Pick<EventLog, 'append'>;
  /** The log has a gap that this replica found first. */
  readonly onGap: (gap: SourceGap) => void;
  /** Unix milliseconds. */
  readonly now: () => number;
}

const RETRY_MS = { first: 200, most: 2_000 };

/** The replicas' shared knowledge of one broker, in Redis. Losses become gaps in the log. */
export class Losses implements Coverage {
  readonly #options: LossesOptions;
  #markers: string | null = null;
  #heard: { from: number; to: number } | null = null;

  constructor(options: LossesOptions) {
    this.#options = options;
  }

  /** From when, and until when, the bindings are known to have existed; null before the first look. */
  get heard(): { readonly from: number; readonly to: number } | null {
    return this.#heard;
  }

  async markers(): Promise<string | null> {
    try {
      this.#markers = await readMarkers(this.#options.place);
    } catch {
      // Redis is away. If other markers are in force by now, the look that asks for these changes nothing.
    }
    return this.#markers;
  }

  async announce(markers: string, base: string | null, signal: AbortSignal): Promise<boolean> {
    const noted = await untilDone(() => noteMarkers(this.#options.place, markers, base ?? ''), signal);
    return noted !== null;
  }

  async settle(look: Look, signal: AbortSignal): Promise<Settlement | null> {
    const { place, ttlMs, now, overflow } = this.#options;
    const boundAt = now();
    const more = { boundAt, ttlMs, overflow: overflow.note(look, boundAt) };
    return await untilDone(async () => {
      const recorded = await recordLook(place, look, more);
      await this.#tell(recorded.gaps);
      const isFirst = look.lost !== null || this.#heard === null;
      if (recorded.isInForce) this.#heard = { from: isFirst ? boundAt : (this.#heard?.from ?? boundAt), to: look.at };
      return recorded;
    }, signal);
  }

  async forget(markers: readonly string[]): Promise<void> {
    // The next replica that reads them from Redis removes them again.
    await forgetMarkers(this.#options.place, markers).catch(() => undefined);
  }

  async #tell(gaps: readonly SourceGap[]): Promise<void> {
    if (gaps.length === 0) return;
    const { eventLog, onGap, place } = this.#options;
    const outcomes = await eventLog.append(gaps.map((gap) => newEvent(gapEvent(gap))));
    if (outcomes.some(({ outcome }) => outcome === 'failed')) throw new Error('the log does not take the gaps');
    const store = gapStore(place.client, place.keys, place.endpoint);
    for (const gap of gaps) await store.told(gap);
    await store.passed(gaps);
    outcomes.forEach(({ outcome }, index) => {
      const gap = gaps[index];
      if (outcome === 'accepted' && gap !== undefined) onGap(gap);
    });
  }
}

/**
 * Retries while Redis refuses or does not answer: nothing else can be appended then either, and the client reports the
 * reason.
 */
async function untilDone<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T | null> {
  for (let wait = RETRY_MS.first; !signal.aborted; wait = Math.min(wait * 2, RETRY_MS.most)) {
    try {
      return await work();
    } catch {
      await delay(wait, undefined, { signal }).catch(() => undefined);
    }
  }
  return null;
}
