import type { Position } from '../../protocol/position.ts';
import type { Grant } from '../auth/grant.ts';
import type { Redactor } from '../privacy/redactor.ts';
import type { Fanout } from '../fanout/fanout.ts';
import type { Form } from '../fanout/encoding.ts';
import {
  isSlow,
  type LossReason,
  type Sink,
  type SlowPolicy,
  type Connection,
  type Notices,
} from '../fanout/connection.ts';
import type { SourceGapNotice } from '../fanout/source-gap-notice.ts';
import type { PassReason } from '../journal/entry.ts';
import type { LogWindow } from '../../event-log/log-window.ts';
import { CALLS_DISABLED, type Calls } from '../calls/calls.ts';
import type { ConnectionOptions } from '../fanout/fanout-options.ts';
import type { Delivery, DeliverySession } from './delivery.ts';
import type { SessionStart } from './begin.ts';
import type { OnGap } from './plan-replay.ts';
import { recover } from './recover.ts';
import { SnapshotDelivery, type SnapshotRefusal } from './snapshot-delivery.ts';

/** Shared by all connections of a replica. */
export interface LogDeliveryContext {
  readonly fanout: Fanout;
  /** Null where the resource keeps no table of live calls. */
  readonly calls: Calls | null;
  readonly window: LogWindow;
  readonly policy: SlowPolicy;
}

export interface LogDeliveryOptions {
  readonly grant: Grant;
  readonly form: Form;
  readonly sink: Sink;
  /** Null begins at the head. */
  readonly start: SessionStart | null;
  readonly onGap: OnGap;
}

/** Events directly from the log: live, resumed or replayed. The fan-out itself reports losses and other changes. */
export class LogDelivery implements Delivery, Notices {
  readonly #context: LogDeliveryContext;
  readonly #onGap: OnGap;
  readonly #session: DeliverySession;
  readonly #connection: Connection;
  /** As negotiated in the handshake. */
  readonly #form: Form;
  /** Null where the resource keeps no table of live calls. */
  readonly #snapshots: SnapshotDelivery | null;
  #grant: Grant;

  constructor(session: DeliverySession, options: LogDeliveryOptions, context: LogDeliveryContext) {
    const { start, grant, form, sink, onGap } = options;
    const { fanout, policy } = context;
    this.#context = context;
    this.#onGap = onGap;
    this.#session = session;
    this.#grant = grant;
    this.#form = form;
    if (start?.gap) session.gap({ ...start.gap, missed: null, goesOnFrom: 'from' in start ? start.from : null });
    this.#connection = fanout.join({ grant, form, sink, policy, ...placeOf(start), notices: this });
    this.#snapshots =
      context.calls &&
      new SnapshotDelivery({
        calls: context.calls,
        fanout,
        connection: this.#connection,
        sink,
        framing: form.framing,
        isOpen: () => session.isOpen,
        tooSlow: () => session.close('slowConsumer', 'slow_consumer'),
        grant: () => this.#grant,
        seal: (position) => context.window.cursors.seal(position),
        onSeek: (to) => this.#passed('snapshot', this.writtenTo, to),
      });
    session.record.opened(this);
    if (start !== null && 'snapshot' in start)
      this.#snapshots?.join(start.snapshot, start.gap === null ? 'join' : 'gap');
  }

  get position(): Position | null {
    return this.#snapshots?.isWithoutState === true ? null : this.#context.fanout.positionOf(this.#connection);
  }

  get writtenTo(): Position | null {
    return this.#context.fanout.writtenTo(this.#connection);
  }

  get isBehind(): boolean {
    return this.#connection.behind !== null;
  }

  get entriesBehind(): number | null {
    return this.#context.fanout.entriesBehind(this.#connection);
  }

  get isTooSlow(): boolean {
    return this.#context.policy === 'Disconnect' && isSlow(this.#connection.behind, performance.now());
  }

  refilter(grant: Grant): boolean {
    this.#grant = grant;
    this.#context.fanout.refilter(this.#connection, grant);
    this.#session.record.refiltered(grant);
    return true;
  }

  show(privacy: Redactor | null): void {
    const { fanout } = this.#context;
    const form = { ...this.#form, privacy };
    fanout.refilter(this.#connection, this.#grant, fanout.hasRoomFor(form) ? form : { ...form, transport: 'raw' });
  }

  askSnapshot(): Promise<SnapshotRefusal | null> {
    return this.#snapshots === null ? Promise.resolve(CALLS_DISABLED) : this.#snapshots.ask();
  }

  acknowledge(): null {
    return null;
  }

  pong(): void {
    // Nothing is acknowledged here.
  }

  leave(): void {
    this.#session.record.stopped();
    this.#context.fanout.leave(this.#connection);
  }

  /** A plain client gets no frame: the close code reports the loss, unless it asked to continue. */
  skipped(last: Position): void {
    this.#passed('skipped_to_live', last, this.writtenTo);
    const heals = this.#onGap === 'snapshot' && this.#context.fanout.hold(this.#connection) !== null;
    if (this.#session.reportsGaps || this.#onGap === 'clamp') {
      this.#session.gap({
        reason: 'skipped_to_live',
        requested: this.#context.window.cursors.seal(last),
        missed: null,
        goesOnFrom: heals ? null : this.position,
      });
    } else this.#session.close('slowConsumer', 'slow_consumer', last);
    if (heals) void this.#snapshots?.heal(last);
  }

  poison(entries: number): void {
    if (this.#session.reportsGaps) this.#session.gap({ reason: 'poison', requested: null, missed: entries });
  }

  sourceGap(notice: SourceGapNotice): void {
    this.#session.sourceGap(notice);
  }

  finished(): void {
    if (this.#snapshots?.finished() === true) return;
    this.#session.close('replayDone', 'replay_done');
  }

  lost(reason: LossReason, last: Position): void {
    if (this.#onGap === 'clamp') {
      void this.#goOn(reason, last);
      return;
    }
    this.#session.gap({ reason, requested: this.#context.window.cursors.seal(last), missed: null });
    if (this.#onGap === 'snapshot') void this.#snapshots?.heal(null);
    else this.#session.close('cursorTooOld', reason, last);
  }

  /** Continues from the oldest stored entry, as the client requested. */
  async #goOn(reason: LossReason, last: Position): Promise<void> {
    const { fanout, window } = this.#context;
    const from = await recover(window, { isWanted: () => this.#session.isOpen, fanout });
    if (from === null) return;
    const requested = this.#context.window.cursors.seal(last);
    this.#session.gap({ reason, requested, missed: null, goesOnFrom: from });
    this.#passed('gap_told', last, from);
    fanout.seek(this.#connection, from);
  }

  #passed(reason: PassReason, from: Position | null, to: Position | null): void {
    if (from !== null && to !== null) this.#session.record.passed(reason, { from, to });
  }
}

function placeOf(start: SessionStart | null): Pick<ConnectionOptions, 'from' | 'until' | 'isHeld'> {
  if (start === null) return {};
  return 'snapshot' in start
    ? { from: start.snapshot.position, isHeld: true }
    : { from: start.from, until: start.until };
}
