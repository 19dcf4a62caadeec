import { BEFORE_EVERYTHING, compareIds, latest, reaches, type Position } from '../../protocol/position.ts';
import type { FanoutCounters } from './counters.ts';
import { framesOf } from './forms.ts';
import { withoutDelivered, type Round } from './round.ts';
import { accepts, type RouteIndex } from './route-index.ts';
import type { Scratch } from './scratch.ts';
import { bytesOf, Part } from './selection.ts';
import type { Compressor } from './compressor.ts';
import { isSlow, type Behind, type Connection } from './connection.ts';
import type { Tail } from './tail.ts';

/** The head of the log as this process has delivered it. */
interface Head {
  /** Number of the next round. */
  readonly round: number;
  readonly position: Position | null;
}

export type PageOutcome =
  /** Rounds after the requested position; `complete` when they reach `until`. */
  | {
      readonly kind: 'page';
      readonly rounds: readonly Round[];
      readonly ids: readonly string[];
      readonly complete: boolean;
    }
  | { readonly kind: 'lost'; readonly reason: 'cursor_too_old' | 'epoch_lost' };

/**
 * Reads the log itself, for connections that have fallen out of the tail. Retries until it can answer. Never rejects
 * for a puller.
 */
export type PageSource = (from: Position, until: Position) => Promise<PageOutcome>;

/** More than eight members: it connects the fan-out's own parts. */
export interface PullerOptions {
  readonly head: () => Head;
  readonly tail: Tail;
  readonly index: RouteIndex;
  readonly scratch: Scratch;
  readonly pages: PageSource;
  readonly counters: FanoutCounters;
  readonly compressor: Compressor;
  readonly highWater: number;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** Pull steps between two turns of the event loop: many connections that are behind must not delay the live ones. */
const STEPS_A_TURN = 64;
/** Rounds searched in one step when nothing in them matches. */
const ROUNDS_A_STEP = 32;

/** Serves connections that are behind, with one write for each step, each at its own pace. */
export class Puller {
  readonly #options: PullerOptions;
  readonly #behind = new Set<Connection>();
  #ready: { readonly connection: Connection; readonly behind: Behind }[] = [];
  #scheduled = false;

  constructor(options: PullerOptions) {
    this.#options = options;
  }

  /** How many connections are behind. */
  get size(): number {
    return this.#behind.size;
  }

  /** From now on the puller serves `connection`, beginning with `round`. */
  fallBehind(connection: Connection, round: Round): void {
    const { epoch, from } = round;
    const since = this.#options.now();
    const behind = { epoch, from, round: round.number, delivered: null, until: null, since, isHalted: false };
    this.#put(connection, behind);
    this.#waitForSocket(connection, behind);
  }

  /** From now on the puller serves `connection`, beginning after a position of its own. */
  begin(connection: Connection, from: Position, until: readonly string[] | null): void {
    const { epoch, ids } = from;
    const behind = { epoch, from: ids, round: null, delivered: null, until, since: null, isHalted: false };
    this.#put(connection, behind);
    this.#enqueue(connection, behind);
  }

  /**
   * Entries after `last` are lost to `connection`: it gets nothing until it begins at another position. False when it
   * was halted before.
   */
  halt(connection: Connection, last: Position): boolean {
    if (connection.behind?.isHalted === true) return false;
    const until = connection.behind?.until ?? null;
    const { epoch, ids } = last;
    this.#put(connection, { epoch, from: ids, round: null, delivered: null, until, since: null, isHalted: true });
    return true;
  }

  /** Reports how many of the skipped entries of the round may have been for this connection. */
  tellPoison(connection: Connection, round: Round): void {
    const { index } = this.#options;
    const forIt = round.poison.filter((meta) => meta === null || accepts(connection.view, index.match(meta)));
    if (forIt.length > 0) connection.notices.poison(forIt.length);
  }

  forget(connection: Connection): void {
    this.#behind.delete(connection);
    connection.behind = null;
  }

  #put(connection: Connection, behind: Behind): void {
    connection.behind = behind;
    this.#behind.add(connection);
  }

  #waitForSocket(connection: Connection, behind: Behind): void {
    connection.sink.whenDrained(() => this.#enqueue(connection, behind));
  }

  /** One turn for each stay of the connection here: a turn of an earlier stay would serve it twice. */
  #enqueue(connection: Connection, behind: Behind): void {
    if (connection.behind !== behind) return;
    this.#ready.push({ connection, behind });
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    this.#options.compressor.renew();
    const turn = this.#ready.splice(0, STEPS_A_TURN);
    for (const { connection, behind } of turn) this.#step(connection, behind);
    if (this.#ready.length > 0 && !this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => this.#turn());
    }
  }

  /** Writes the next round that contains an event for this connection, or makes it live again. */
  #step(connection: Connection, behind: Behind): void {
    if (connection.behind !== behind) return;
    if (connection.policy === 'Latest' && isSlow(behind, this.#options.now())) return this.#skip(connection, behind);
    if (behind.round === null && !this.#locate(behind)) {
      void this.#readPage(connection, behind);
      return;
    }
    for (let looked = 0; looked < ROUNDS_A_STEP && behind.round !== null; looked += 1) {
      if (behind.round === this.#options.head().round) return this.#goLive(connection);
      const round = this.#options.tail.get(behind.round);
      if (round === null) {
        void this.#readPage(connection, behind);
        return;
      }
      const wrote = this.#writeRound(connection, round);
      this.#passed(behind, round);
      if (wrote) break;
    }
    this.#continue(connection, behind);
  }

  /**
   * Finds the place in the tail or at the head for a connection of which only the position is known; false when the log
   * must be read.
   */
  #locate(behind: Behind): boolean {
    const { head, tail } = this.#options;
    const { round, position } = head();
    if (behind.until !== null || position === null || position.epoch !== behind.epoch) return false;
    if (reaches(behind.from, position.ids)) {
      behind.round = round;
      return true;
    }
    behind.round = tail.locate(behind.from);
    behind.delivered = behind.from;
    return behind.round !== null;
  }

  #passed(behind: Behind, round: Round): void {
    behind.round = round.number + 1;
    const { delivered } = behind;
    behind.from = delivered === null ? round.to : latest(round.to, delivered);
    if (delivered !== null && reaches(round.to, delivered)) behind.delivered = null;
  }

  #skip(connection: Connection, behind: Behind): void {
    this.#goLive(connection);
    connection.notices.skipped({ epoch: behind.epoch, ids: behind.from });
  }

  #continue(connection: Connection, behind: Behind): void {
    if (connection.sink.queued >= this.#options.highWater) this.#waitForSocket(connection, behind);
    else this.#enqueue(connection, behind);
  }

  #goLive(connection: Connection): void {
    this.forget(connection);
    connection.view.enter(connection);
  }

  /** False when nothing of the round is for this connection. */
  #writeRound(connection: Connection, round: Round): boolean {
    const delivered = connection.behind?.delivered ?? null;
    const wrote = this.#writeEvents(connection, delivered === null ? round : withoutDelivered(round, delivered));
    if (round.poison.length > 0) this.tellPoison(connection, round);
    return tellSourceGap(connection, round, delivered) || wrote;
  }

  #writeEvents(connection: Connection, round: Round): boolean {
    const { view, sink } = connection;
    const { index, scratch, counters, compressor } = this.#options;
    const sealed = view.sealed(round.number, index.version);
    if (sealed !== null) {
      counters.written(sealed.events, sealed.chunk.length);
      counters.savedBytes += sealed.saved;
      sink.write(sealed.chunk, null);
      return true;
    }
    const entries: number[] = [];
    for (const [entry, meta] of round.metas.entries()) if (accepts(view, index.match(meta))) entries.push(entry);
    const events = entries.length;
    if (events === 0) return false;
    const selection = { parts: [new Part(entries)], encoding: view.encoding };
    const isShared = view.references > 1 && round.number >= 0;
    const deflated = compressor.pulled(view, round, selection);
    if (deflated !== null) {
      const saved = bytesOf(framesOf(round, selection), selection) - deflated.length;
      if (isShared) view.keep(round, selection, { scope: index.version, chunk: deflated, saved });
      counters.written(events, deflated.length);
      counters.savedBytes += saved;
      sink.write(deflated, null);
      return true;
    }
    const lease = isShared
      ? { chunk: view.seal(round, selection, index.version), release: null }
      : view.fill(round, selection, scratch);
    counters.written(events, lease.chunk.length);
    sink.write(lease.chunk, lease.release);
    return true;
  }

  /** Errors are handled here: in any case the connection continues or is notified. */
  async #readPage(connection: Connection, behind: Behind): Promise<void> {
    const head = this.#options.head();
    const from = { epoch: behind.epoch, ids: behind.from };
    const until = behind.until === null ? (head.position ?? from) : { epoch: behind.epoch, ids: behind.until };
    const outcome = await this.#options.pages(from, until);
    // The connection left, was halted or moved in the meantime: nothing waits for this page.
    if (connection.behind !== behind) return;
    if (outcome.kind === 'lost') {
      this.halt(connection, from);
      connection.notices.lost(outcome.reason, from);
      return;
    }
    behind.delivered = null;
    for (const round of outcome.rounds) {
      this.#writeRound(connection, round);
      behind.from = round.to;
    }
    behind.from = outcome.ids;
    behind.round = outcome.complete ? head.round : null;
    if (outcome.complete && behind.until !== null) connection.notices.finished();
    else this.#continue(connection, behind);
  }
}

/** False when there is none, or when it was reported before the resume. */
function tellSourceGap(connection: Connection, { sourceGap }: Round, delivered: readonly string[] | null): boolean {
  if (sourceGap === null) return false;
  const { partition, id } = sourceGap;
  if (delivered !== null && compareIds(id, delivered[partition] ?? BEFORE_EVERYTHING) <= 0) return false;
  connection.notices.sourceGap(sourceGap);
  return true;
}
