import { encodeCursor } from '../../protocol/cursor.ts';
import type { Position } from '../../protocol/position.ts';
import type { Grant } from '../auth/grant.ts';
import type { Fanout } from '../fanout/fanout.ts';
import type { Format } from '../fanout/round.ts';
import { isSlow, type LossReason, type Sink, type SlowPolicy, type Subscriber } from '../fanout/subscriber.ts';
import type { LogWindow } from '../stream/log-window.ts';
import type { Delivery, Recipient } from './delivery.ts';
import type { JudgedStart } from './judge-start.ts';
import type { OnGap } from './plan-replay.ts';
import { recover } from './recover.ts';

export interface LogDeliveryOptions {
  readonly fanout: Fanout;
  readonly window: LogWindow;
  readonly policy: SlowPolicy;
  readonly grant: Grant;
  readonly format: Format;
  readonly sink: Sink;
  /** Null begins at the head. */
  readonly start: JudgedStart | null;
  readonly onGap: OnGap;
}

/** Events straight from the log: live, resumed or replayed. */
export class LogDelivery implements Delivery {
  readonly #options: LogDeliveryOptions;
  readonly #recipient: Recipient;
  readonly #subscriber: Subscriber;

  constructor(recipient: Recipient, options: LogDeliveryOptions) {
    const { fanout, start, policy, grant, format, sink } = options;
    this.#options = options;
    this.#recipient = recipient;
    if (start?.gap) recipient.gap({ ...start.gap, missed: null });
    this.#subscriber = fanout.subscribe({
      grant,
      format,
      sink,
      policy,
      ...(start !== null && { from: start.from, until: start.until }),
      told: {
        lost: (reason, last) => this.#lost(reason, last),
        skipped: (last) => this.#skipped(last),
        poison: (entries) => {
          if (recipient.isTold) recipient.gap({ reason: 'poison', requested: null, missed: entries });
        },
        finished: () => recipient.close('replayDone', 'replay_done'),
      },
    });
  }

  get position(): Position | null {
    return this.#options.fanout.positionOf(this.#subscriber);
  }

  get isBehind(): boolean {
    return this.#subscriber.behind !== null;
  }

  get entriesBehind(): number | null {
    return this.#options.fanout.entriesBehind(this.#subscriber);
  }

  get isTooSlow(): boolean {
    return this.#options.policy === 'Disconnect' && isSlow(this.#subscriber.behind, performance.now());
  }

  refilter(grant: Grant): boolean {
    this.#options.fanout.refilter(this.#subscriber, grant);
    return true;
  }

  acknowledge(): null {
    return null;
  }

  pong(): void {
    // Nothing is acknowledged here.
  }

  leave(): void {
    this.#options.fanout.unsubscribe(this.#subscriber);
  }

  /** A plain client cannot be told in band: it is told by the close code, unless it asked to go on. */
  #skipped(last: Position): void {
    if (this.#recipient.isTold || this.#options.onGap === 'clamp') {
      this.#recipient.gap({ reason: 'skipped_to_live', requested: encodeCursor(last), missed: null });
    } else this.#recipient.close('slowConsumer', 'slow_consumer', last);
  }

  #lost(reason: LossReason, last: Position): void {
    if (this.#options.onGap === 'clamp') {
      void this.#goOn(reason, last);
      return;
    }
    this.#recipient.gap({ reason, requested: encodeCursor(last), missed: null });
    this.#recipient.close('cursorTooOld', reason, last);
  }

  /** Goes on from the oldest entry that is kept, as was asked for. */
  async #goOn(reason: LossReason, last: Position): Promise<void> {
    const { fanout, window } = this.#options;
    const from = await recover(window, { isWanted: () => this.#recipient.isOpen, fanout });
    if (from === null) return;
    this.#recipient.gap({ reason, requested: encodeCursor(last), missed: null });
    fanout.seek(this.#subscriber, from);
  }
}
