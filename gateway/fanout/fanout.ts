import type { Grant } from '../auth/grant.ts';
import type { Directory } from '../directory/directory.ts';
import type { LogState, StoredEntry } from '../../event-log/event-log.ts';
import type { Position } from '../../protocol/position.ts';
import { Alike } from './alike.ts';
import { Encodings, type Form } from './encoding.ts';
import { Compressor, type DeflatedChunks } from './compressor.ts';
import { createCounters, type FanoutCounters } from './counters.ts';
import type { PoisonReason } from '../../event-log/poison.ts';
import { Puller, type PageSource } from './puller.ts';
import type { ConnectionOptions, FanoutOptions } from './fanout-options.ts';
import { framesOf } from './forms.ts';
import { batchesOf, buildRound, type Round } from './round.ts';
import { RouteIndex, type Route } from './route-index.ts';
import { Scratch } from './scratch.ts';
import type { SourceGapNotice } from './source-gap-notice.ts';
import { bytesOf, countOf, Part } from './selection.ts';
import type { Connection } from './connection.ts';
import { Tail } from './tail.ts';
import { View, viewKey } from './view.ts';
import { writeEach } from './write-each.ts';

/**
 * Delivers each entry of the log to every connection that may see it. Each round is matched once for all live
 * connections, gathered once for each view, and written once for each connection. A connection whose socket does not
 * drain is skipped and pulls later: it delays no other connection (I6).
 */
export class Fanout {
  readonly counters: FanoutCounters = createCounters();
  readonly #views = new Map<string, View>();
  readonly #encodings = new Encodings();
  readonly #compressor: Compressor;
  readonly #connections = new Set<Connection>();
  readonly #index: RouteIndex;
  readonly #tail: Tail;
  readonly #alike = new Alike();
  readonly #scratch = new Scratch();
  readonly #puller: Puller;
  readonly #options: FanoutOptions;
  readonly #highWater: number;
  /** Position after the last delivered entry; null before the log was first reached. */
  #position: Position | null = null;
  #nextRound = 0;
  /** Position before the round that is written now; null between two rounds. */
  #before: Position | null = null;

  constructor(options: FanoutOptions) {
    this.#index = new RouteIndex(options.directory, options.offers);
    this.#tail = new Tail(options.tailBytes ?? 8 * 1024 * 1024);
    this.#options = options;
    this.#compressor = new Compressor(this.counters, options.isEncrypted === true);
    this.#highWater = options.highWater ?? 1024 * 1024;
    this.#puller = new Puller({
      head: () => ({ round: this.#nextRound, position: this.#position }),
      tail: this.#tail,
      index: this.#index,
      scratch: this.#scratch,
      pages: this.#pages(options),
      counters: this.counters,
      compressor: this.#compressor,
      highWater: this.#highWater,
      now: options.now ?? performance.now.bind(performance),
    });
  }

  /** A page that cannot be read for an unexpected reason is lost to its connection, which is notified. */
  #pages({ pages, onError }: FanoutOptions): PageSource {
    return async (from, until) => {
      try {
        return await pages(from, until);
      } catch (error) {
        this.counters.pageErrors += 1;
        onError?.(error);
        return { kind: 'lost', reason: 'cursor_too_old' };
      }
    };
  }

  get position(): Position | null {
    return this.#position;
  }

  get connections(): number {
    return this.#connections.size;
  }

  get behind(): number {
    return this.#puller.size;
  }

  /** Sizes of the registries: all 0 again when every connection has left (I10). */
  sizes(): { connections: number; views: number; encodings: number; buckets: number; behind: number } {
    return {
      connections: this.#connections.size,
      views: this.#views.size,
      encodings: this.#encodings.size,
      buckets: this.#index.buckets,
      behind: this.#puller.size,
    };
  }

  useDirectory(directory: Directory): void {
    this.#index.useDirectory(directory);
  }

  /** Whether a connection of this form can join; check before it joins. */
  hasRoomFor(form: Form): boolean {
    return this.#encodings.hasRoomFor(form);
  }

  /** Joins at the head of the log, or replays from a position first: one loop serves both. */
  join(options: ConnectionOptions): Connection {
    const { sink, notices, policy = 'CatchUp', from, until = null, isHeld = false } = options;
    const view = this.#acquire(options.grant, options.form);
    const connection: Connection = { view, sink, notices, policy, behind: null, closed: false, mark: 0 };
    this.#connections.add(connection);
    if (from === undefined) view.enter(connection);
    else if (isHeld) this.#puller.halt(connection, from);
    else this.#puller.begin(connection, from, until);
    return connection;
  }

  /** Everything up to here was written to the connection, or is not for it. */
  positionOf(connection: Connection): Position | null {
    const { behind } = connection;
    return behind === null ? this.#position : { epoch: behind.epoch, ids: behind.from };
  }

  /** The same, without the round that is being written. */
  writtenTo(connection: Connection): Position | null {
    return connection.behind === null && this.#before !== null ? this.#before : this.positionOf(connection);
  }

  /** Number of entries between the connection and the head; null when the memory does not show it. */
  entriesBehind(connection: Connection): number | null {
    const { behind } = connection;
    if (behind === null) return 0;
    return behind.round === null ? null : this.#tail.entriesFrom(behind.round);
  }

  /** Live connections that get an entry with this meta line. */
  audience(meta: string): number {
    let connections = 0;
    for (const view of this.#index.match(meta).views) connections += view.live.size;
    return connections;
  }

  /** Changes scope, filter or form for everything after the current `positionOf`. */
  refilter(connection: Connection, grant: Grant, form: Form = connection.view.encoding): void {
    if (connection.closed) return;
    const { view } = connection;
    const next = this.#acquire(grant, form);
    if (view.live.delete(connection)) next.enter(connection);
    connection.view = next;
    this.#release(view);
  }

  /** Writes nothing more to it until `seek`. Returns its position; null when that is unknown, or it has left. */
  hold(connection: Connection): Position | null {
    const position = this.positionOf(connection);
    if (connection.closed || position === null) return null;
    connection.view.live.delete(connection);
    this.#puller.halt(connection, position);
    return position;
  }

  /**
   * Continues from another position, after a loss or a hold; a bounded replay keeps its end. With `to` it ends there,
   * and `finished` is called; null: it has no end.
   */
  seek(connection: Connection, from: Position, to?: readonly string[] | null): void {
    if (connection.closed) return;
    const until = to === undefined ? (connection.behind?.until ?? null) : to;
    connection.view.live.delete(connection);
    this.#puller.begin(connection, from, until);
  }

  #acquire(grant: Grant, form: Form): View {
    const encoding = this.#encodings.hold(form);
    const key = viewKey(grant, encoding.key);
    let view = this.#views.get(key);
    if (view !== undefined) this.#encodings.release(encoding);
    else {
      view = new View(key, grant, encoding);
      this.#views.set(key, view);
      this.#index.add(view);
    }
    view.references += 1;
    return view;
  }

  #release(view: View): void {
    view.references -= 1;
    if (view.references > 0) return;
    this.#views.delete(view.key);
    this.#index.remove(view);
    this.#encodings.release(view.encoding);
    view.unseal();
  }

  leave(connection: Connection): void {
    if (connection.closed) return;
    connection.closed = true;
    this.#connections.delete(connection);
    this.#puller.forget(connection);
    const { view } = connection;
    view.live.delete(connection);
    this.#release(view);
  }

  /** Begins, or begins again, at the newest end of the log; every connection is notified of a new epoch. */
  restart(state: LogState): void {
    const last = this.#position;
    this.#position = { epoch: state.epoch, ids: [...state.newest] };
    this.#tail.clear();
    if (last === null || last.epoch === state.epoch) return;
    for (const connection of this.#connections) {
      const had = this.#lastOf(connection, last);
      connection.view.live.delete(connection);
      if (this.#puller.halt(connection, had)) connection.notices.lost('epoch_lost', had);
    }
  }

  /** The position of a connection in the epoch that ended with `last`. */
  #lastOf(connection: Connection, last: Position): Position {
    const { behind } = connection;
    return behind === null ? last : { epoch: behind.epoch, ids: behind.from };
  }

  /** Cuts the entries of a read into portions: other work gets its turn between two portions. */
  batches(entries: readonly StoredEntry[]): Iterable<readonly StoredEntry[]> {
    return batchesOf(entries, this.connections);
  }

  /** Delivers all of it now. Call `restart` first. */
  deliver(entries: readonly StoredEntry[]): void {
    const { eventsRead } = this.counters;
    for (const { partition } of entries) eventsRead[partition] = (eventsRead[partition] ?? 0) + 1;
    for (const batch of this.batches(entries)) this.#round(batch);
  }

  /** Receives the share of time in which the event loop was busy, 0 to 1: when CPU is short, less is compressed. */
  useLoad(busy: number): void {
    this.#compressor.busy = busy;
  }

  #round(entries: readonly StoredEntry[]): void {
    this.#compressor.renew();
    const position = this.#position;
    if (position === null) throw new Error('fan-out has no position yet');
    const origin = {
      number: this.#nextRound,
      epoch: position.epoch,
      from: position.ids,
      cursors: this.#options.cursors,
      onPoison: (entry: StoredEntry, reason: PoisonReason) => {
        this.counters.poison += 1;
        this.#options.unroutable?.poison?.(entry, reason);
      },
    };
    const round = buildRound(origin, entries);
    this.#tail.push(round);
    this.#nextRound += 1;
    this.#position = { epoch: position.epoch, ids: round.to };
    this.#before = position;
    for (const view of this.#gather(round)) this.#write(view, round);
    this.#before = null;
    this.#alike.clear();
    if (round.poison.length > 0) this.#tellPoison(round);
    if (round.sourceGap !== null) this.#tellSourceGap(round, round.sourceGap);
  }

  /** Such a round contains no event, so its place in the order is after everything that was written before. */
  #tellSourceGap(round: Round, notice: SourceGapNotice): void {
    for (const connection of this.#connections) {
      if (connection.behind !== null || connection.closed) continue;
      if (connection.sink.queued < this.#highWater) connection.notices.sourceGap(notice);
      else this.#fallBehind(connection, round);
    }
    this.#options.onSourceGap?.(notice);
  }

  #fallBehind(connection: Connection, round: Round): void {
    connection.view.live.delete(connection);
    this.#puller.fallBehind(connection, round);
  }

  #tellPoison(round: Round): void {
    for (const connection of this.#connections) {
      if (connection.behind === null && !connection.closed) this.#puller.tellPoison(connection, round);
    }
  }

  /** The views with live connections that match an event of the round: entries of one route go to them together. */
  #gather(round: Round): View[] {
    const touched: View[] = [];
    for (const [route, entries] of this.#entriesByRoute(round)) {
      if (route.outcome === 'unknown_account') this.#unknown(route, entries.length);
      const part = new Part(entries);
      for (const view of route.views) {
        if (view.live.size > 0 && view.gather(round.number, part)) touched.push(view);
      }
    }
    return touched;
  }

  #unknown({ accountId }: Route, entries: number): void {
    const { unroutable } = this.#options;
    if (unroutable?.isShared?.() === true) {
      this.counters.foreignAccount += entries;
      return;
    }
    this.counters.unknownAccount += entries;
    unroutable?.unknownAccount?.(accountId, entries);
  }

  #entriesByRoute({ metas }: Round): Map<Route, number[]> {
    const byRoute = new Map<Route, number[]>();
    for (const [entry, meta] of metas.entries()) {
      const route = this.#index.match(meta);
      const entries = byRoute.get(route);
      if (entries === undefined) byRoute.set(route, [entry]);
      else entries.push(entry);
    }
    return byRoute;
  }

  #write(view: View, round: Round): void {
    const selection = view.gathered;
    const events = countOf(selection);
    const deflated = view.stream === null ? null : this.#compressor.live(view, round, selection);
    if (deflated !== null) return this.#writeDeflated(view, round, deflated);
    const isCrowd = view.live.size > 1;
    const shared = isCrowd ? view.seal(round, selection, this.#index.version) : this.#alike.chunk(round, selection);
    this.#writeEach(view, round, ({ sink }) => {
      if (shared === null) {
        const lease = view.fill(round, selection, this.#scratch);
        this.counters.written(events, lease.chunk.length);
        sink.write(lease.chunk, lease.release);
      } else {
        this.counters.written(events, shared.length);
        sink.write(shared, null);
      }
    });
  }

  /** In step or not: in both cases the same messages enter the window of every live connection. */
  #writeDeflated(view: View, round: Round, { shared, inStepUpTo, self }: DeflatedChunks): void {
    const selection = view.gathered;
    const events = countOf(selection);
    const raw = bytesOf(framesOf(round, selection), selection);
    this.#writeEach(view, round, ({ sink, mark }) => {
      const chunk = shared !== null && mark <= inStepUpTo ? shared : self();
      this.counters.written(events, chunk.length);
      this.counters.savedBytes += raw - chunk.length;
      sink.write(chunk, null);
    });
  }

  #writeEach({ live }: View, round: Round, write: (to: Connection) => void): void {
    writeEach(live, this.#highWater, { write, skip: (connection) => this.#fallBehind(connection, round) });
  }
}
