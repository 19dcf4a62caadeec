import { setTimeout as delay } from 'node:timers/promises';
import type { FrameErrorCode } from '../../protocol/frame-error.ts';
import { latest, timeOf, type Position } from '../../protocol/position.ts';
import type { ServerFrame, SnapshotReason } from '../../protocol/server-frame.ts';
import { CALLS_UNAVAILABLE, type Calls } from '../calls/calls.ts';
import { within } from '../calls/pace.ts';
import { CallsUnavailable, type Snapshot } from '../calls/snapshot.ts';
import type { Grant } from '../auth/grant.ts';
import type { Connection, Sink } from '../fanout/connection.ts';
import type { Fanout } from '../fanout/fanout.ts';
import { controlFrame } from '../fanout/control-frame.ts';
import type { Framing } from '../fanout/encoding.ts';
import { hasReached } from './recover.ts';

/** More than eight members: a snapshot involves the table, the log and the connection. */
export interface SnapshotParts {
  readonly calls: Calls;
  readonly fanout: Fanout;
  readonly connection: Connection;
  readonly sink: Sink;
  readonly framing: Framing;
  readonly isOpen: () => boolean;
  /** Ends the session of a client that does not take its snapshot. */
  readonly tooSlow: () => void;
  /** The scope and filter in force now. */
  readonly grant: () => Grant;
  readonly seal: (position: Position) => string;
  /** Called before the connection continues from the snapshot's position. */
  readonly onSeek: (position: Position) => void;
}

export interface SnapshotRefusal {
  readonly code: FrameErrorCode;
  readonly detail: string;
}

/** Bytes of calls that are written before clock and socket are checked again. */
const CHUNK_BYTES = 32 * 1024;
/**
 * Writing pauses at this many bytes that the kernel has not taken, at most for this long: the records stay in memory
 * meanwhile.
 */
const HIGH_WATER = 1024 * 1024;
const TAKE_LIMIT_MS = 30_000;
const RETRY_MS = 500;
const REACH_MS = 10;
const ASKED_EVERY_MS = 10_000;

/**
 * Snapshots of one connection: its events are held, the calls are written, and the later events follow. Records are
 * immutable and shared by all clients that asked at the same time: a client that reads slowly holds only references.
 */
export class SnapshotDelivery {
  readonly #parts: SnapshotParts;
  #givenAt = Number.NEGATIVE_INFINITY;
  /** A running snapshot. */
  #giving: SnapshotReason | null = null;
  /** Waits until events up to the requested snapshot's position were written. */
  #reached: (() => void) | null = null;

  constructor(parts: SnapshotParts) {
    this.#parts = parts;
  }

  /** Whether the client has no state to resume with: until the end of the snapshot, no cursor leads to one. */
  get isWithoutState(): boolean {
    return this.#giving === 'join' || this.#giving === 'gap';
  }

  /** The connection is held at the snapshot's position, which this replica has read. */
  join(snapshot: Snapshot, reason: 'join' | 'gap'): void {
    this.#giving = reason;
    void this.#give(snapshot, reason);
  }

  /** After a loss: tries until the table can be read. The connection is held. `last`: its position, in this epoch. */
  async heal(last: Position | null): Promise<void> {
    this.#giving = 'gap';
    this.finished();
    const snapshot = await this.#take(last, true);
    if (snapshot !== null) await this.#give(snapshot, 'gap');
  }

  /** Null when a snapshot follows. */
  async ask(now = performance.now()): Promise<SnapshotRefusal | null> {
    const { calls, fanout, connection, grant } = this.#parts;
    const refused = calls.judge(grant());
    if (refused !== null) return refused;
    if (this.#giving !== null || now - this.#givenAt < ASKED_EVERY_MS) return TOO_SOON;
    const stands = fanout.hold(connection);
    if (stands === null) return CALLS_UNAVAILABLE;
    this.#giving = 'asked';
    const snapshot = await this.#take(stands, false);
    // A loss in the meantime causes a snapshot by itself.
    if (this.#giving !== 'asked') return null;
    if (snapshot === null) {
      this.#giving = null;
      fanout.seek(connection, stands, null);
      return CALLS_UNAVAILABLE;
    }
    await this.#writeUpTo(stands, snapshot.position);
    if (this.#isGiving('asked')) await this.#give(snapshot, 'asked');
    return null;
  }

  /** The events before a requested snapshot were written; false when nothing waited for that. */
  finished(): boolean {
    const reached = this.#reached;
    this.#reached = null;
    reached?.();
    return reached !== null;
  }

  #isGiving(reason: SnapshotReason): boolean {
    return this.#giving === reason && this.#parts.isOpen();
  }

  /** Null when it is no longer needed, or not available and `tries` is false. */
  async #take(atLeast: Position | null, tries: boolean): Promise<Snapshot | null> {
    const { calls, fanout, grant, isOpen } = this.#parts;
    while (isOpen()) {
      const snapshot = await calls.take(grant(), atLeast).catch(unlessUnavailable);
      if (snapshot === null && !tries) return null;
      if (snapshot !== null) {
        while (isOpen() && !hasReached(fanout, snapshot.position)) {
          if (fanout.position?.epoch !== snapshot.position.epoch) break;
          await delay(REACH_MS, undefined, { ref: false });
        }
        if (hasReached(fanout, snapshot.position)) return isOpen() ? snapshot : null;
      }
      await delay(RETRY_MS * (1 + Math.random()), undefined, { ref: false });
    }
    return null;
  }

  /**
   * Writes the events between the connection's position and the snapshot: a client that gets all events does not lose
   * them.
   */
  async #writeUpTo(stands: Position, to: Position): Promise<void> {
    const { fanout, connection } = this.#parts;
    const ids = latest(stands.ids, to.ids);
    if (ids.every((id, partition) => id === stands.ids[partition])) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#reached = resolve;
    fanout.seek(connection, stands, ids);
    await promise;
    if (this.#isGiving('asked')) fanout.hold(connection);
  }

  /** False when the client takes nothing: its session has ended. */
  async #isTaken(): Promise<boolean> {
    const { sink, tooSlow } = this.#parts;
    if (sink.queued < HIGH_WATER) return true;
    const isTaken = await within(TAKE_LIMIT_MS, (done) => sink.whenDrained(done));
    if (!isTaken) tooSlow();
    return isTaken;
  }

  async #give({ position, records }: Snapshot, reason: SnapshotReason): Promise<void> {
    const { calls, fanout, connection, sink, framing, grant, seal, onSeek } = this.#parts;
    let until = (await calls.turn()) + performance.now();
    if (!this.#isGiving(reason)) return;
    const cursor = seal(position);
    const at = timeOf(position);
    const write = (frame: ServerFrame, id: string | null = null) => sink.write(controlFrame(framing, frame, id), null);
    write({ type: 'snapshot_begin', cursor, as_of: new Date().toISOString(), reason });
    let written = 0;
    let chunk: Buffer[] = [];
    let bytes = 0;
    // The grant is checked at each chunk: accounts move while a slow client reads.
    let shown = calls.shown(grant());
    for (const record of records) {
      const call = shown(record);
      if (call === null) continue;
      // A slow client reads for long: the profile may have changed by now.
      const { privacy } = connection.view.encoding;
      const hidden = privacy === null ? call : privacy.call(call, at);
      const frame = controlFrame(framing, { type: 'call', call: hidden });
      chunk.push(frame);
      bytes += frame.length;
      written += 1;
      if (bytes < CHUNK_BYTES) continue;
      sink.write(Buffer.concat(chunk), null);
      chunk = [];
      bytes = 0;
      if (!(await this.#isTaken())) return;
      if (performance.now() < until) continue;
      until = (await calls.turn()) + performance.now();
      if (!this.#isGiving(reason)) return;
      shown = calls.shown(grant());
    }
    if (chunk.length > 0) sink.write(Buffer.concat(chunk), null);
    write({ type: 'snapshot_end', cursor, calls: written }, cursor);
    this.#giving = null;
    this.#givenAt = performance.now();
    onSeek(position);
    fanout.seek(connection, position, null);
  }
}

const TOO_SOON: SnapshotRefusal = {
  code: 'snapshot_too_soon',
  detail: 'A snapshot is given at most once in ten seconds: ask later.',
};

function unlessUnavailable(error: unknown): null {
  if (error instanceof CallsUnavailable) return null;
  throw error;
}
