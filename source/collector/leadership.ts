import { randomUUID } from 'node:crypto';
import type { AppendOutcome } from '../../event-log/event-log.ts';
import { encodeSourceReport } from '../../protocol/source-report.ts';
import type { SourceGap } from '../../protocol/source-gap.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { gapEvent, gapOf, gapStore, type GapStore } from './gaps.ts';
import type { Hearing } from './hearing.ts';
import { keep, type Kept } from './kept.ts';
import { encodeKeptMark } from './kept-mark.ts';
import { takeTurn, type LeadPlace, type TurnReply } from './lead.ts';
import { LegsInLog } from './legs-in-log.ts';
import type { CollectorObserver } from './observer.ts';
import { encodePosition, type Position } from './position.ts';
import { createRedisClock, type RedisClock } from './redis-clock.ts';
import { hearsWithoutGap, reportStore, type Reports } from './reports.ts';
import { judgeTakeover } from './takeover.ts';
import { endLostLegs, tellWhatIsMissing } from './tell-missing.ts';

/** More than eight members: one endpoint's part of a collector's inputs. */
export interface LeadershipOptions {
  readonly place: LeadPlace;
  /** `<namespace>/<name>`. */
  readonly source: string;
  readonly hearing: Hearing;
  readonly observer: CollectorObserver;
  readonly logger: Logger;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
  readonly turnMs: number;
  /** Start of this process, by the local clock. */
  readonly startedAt: number;
}

/** Safety margin taken off the time to live for clock drift and the time until an append reaches the socket. */
const MARGIN = 0.1;
/** How long a replica that missed events leaves the lease to one that did not. */
const GIVE_WAY_MS = 6_000;
/** How long a leader that lost its switch keeps the lease to append its remaining events. */
const DRAIN_MS = 5_000;
/** Upper bound of the difference between two replicas' clocks, and between their receipts of one event. */
const SAFE_MS = 60_000;
const PRUNE_EVERY_MS = 600_000;

/** The right to publish one endpoint's events, and this replica's report to the others. */
export class Leadership {
  readonly #options: LeadershipOptions;
  readonly #clock: RedisClock = createRedisClock();
  readonly #gaps: GapStore;
  readonly #reports: Reports;
  readonly #legs: LegsInLog;
  #lease: string;
  #leads = false;
  #validUntil = 0;
  #position: Position | null = null;
  #hasPosition = false;
  #lastId = '';
  /** Gaps that are in the log; other leaders search for them until the position has passed them. */
  #told: SourceGap[] = [];
  #overflow: Kept | null = null;
  /** Events were given up, and the log is available again: legs may lack their ends. */
  #hasLostLegs = false;
  #resignsSince: number | null = null;
  #prunedAt = 0;
  #failing = '';

  constructor(options: LeadershipOptions) {
    const { place } = options;
    const { client, keys, endpoint } = place;
    this.#options = options;
    this.#gaps = gapStore(client, keys, endpoint);
    this.#reports = reportStore(client, keys, place);
    this.#legs = new LegsInLog(client, keys, endpoint);
    this.#lease = newLease(place);
  }

  get leads(): boolean {
    return this.#leads;
  }

  /** What the log has, as far as it is known. */
  get position(): Position | null {
    return this.#position;
  }

  /** The next entries to append, in order; a gap comes alone (S4). Empty without a lease that certainly holds. */
  *next(): IterableIterator<Kept> {
    if (!this.#leads || this.#options.elapsed() >= this.#validUntil) return;
    const { tape } = this.#options.hearing;
    this.#overflow ??= this.#takeOverflow();
    if (this.#overflow !== null) yield this.#overflow;
    else yield* tape.next();
  }

  /** Call when the append of entries from `next` has ended. */
  settle(batch: readonly Kept[], outcomes: readonly AppendOutcome[]): void {
    const { hearing, observer, place, now } = this.#options;
    const refused = new Set(batch.filter((_, index) => outcomes[index]?.outcome === 'failed'));
    let isWhole = true;
    for (const [index, one] of batch.entries()) {
      const outcome = outcomes[index]?.outcome ?? 'failed';
      isWhole &&= outcome !== 'failed';
      if (isWhole && one.kind === 'event') this.#lastId = one.event.eventId;
      const gap = one.kind === 'gap' ? gapOf(one.event) : null;
      observer.eventAppended(place.endpoint, one.event, outcome, now() - one.event.at);
      if (outcome === 'failed') continue;
      if (one === this.#overflow) {
        this.#overflow = null;
        this.#hasLostLegs = true;
      }
      if (gap === null) this.#legs.note(one.event);
      else this.#noteTold(gap, outcome === 'accepted');
    }
    hearing.tape.settle(refused);
  }

  /** Stores which legs the log has begun and ended, before the position passes them. Retries failures next time. */
  async flush(): Promise<boolean> {
    if (!this.#leads) return false;
    try {
      await this.#legs.flush(this.#lease);
      return true;
    } catch (error) {
      this.#tell(error);
      return false;
    }
  }

  /** One turn; returns when the next is due, in milliseconds. Never rejects. */
  async turn(): Promise<number> {
    const { place, now, elapsed, turnMs, hearing } = this.#options;
    try {
      // A full Redis refuses the write, but renews the lease.
      const announced = (await this.flush()) ? this.#announcement() : null;
      const intent = await this.#intent();
      const sent = { at: now(), elapsed: elapsed() };
      const position = announced === null ? '' : encodePosition(announced);
      const reply = await takeTurn(place, { lease: this.#lease, intent, position, report: this.#report() });
      this.#clock.observe(reply.now, sent.at, now());
      const isFirst = !this.#hasPosition;
      const led = this.#leads;
      this.#hasPosition = true;
      await this.#follow(reply, announced);
      if (reply.leads) this.#validUntil = sent.elapsed + place.ttlMs * (1 - MARGIN);
      this.#failing = '';
      // A new leader announces a position at once.
      if ((isFirst && hearing.isLive) || this.#leads !== led) return 0;
      return this.#leads ? turnMs : Math.min(turnMs, (reply.freeInMs ?? turnMs) + 1 + Math.random() * 20);
    } catch (error) {
      this.#tell(error);
      return turnMs;
    }
  }

  /** Releases the lease and removes the report. Never rejects: a lease or report that remains expires. */
  async leave(): Promise<void> {
    try {
      const announced = (await this.flush()) ? this.#announcement() : null;
      const position = announced === null ? '' : encodePosition(announced);
      const mark = this.#keptMark(announced);
      this.#leads = false;
      await takeTurn(this.#options.place, { lease: this.#lease, intent: 'leave', position, report: '', mark });
      await this.#reports.remove();
    } catch (error) {
      this.#tell(error);
    }
  }

  /** Whether this replica has nothing left that it may append. */
  get isDrained(): boolean {
    if (!this.#leads) return true;
    const { tape } = this.#options.hearing;
    return this.#overflow === null && tape.overflow === null && tape.next().next().done === true;
  }

  async #intent(): Promise<'keep' | 'want' | 'leave'> {
    const { hearing, elapsed } = this.#options;
    const isJoined = hearing.tape.segments.at(-1)?.joined ?? false;
    if (!this.#leads) {
      if (!hearing.isLive) return 'leave';
      return this.#hasPosition && !(await this.#givesWay()) ? 'want' : 'keep';
    }
    if (hearing.isLive && isJoined) {
      this.#resignsSince = null;
      return 'want';
    }
    // This replica missed events: another one may have them.
    this.#resignsSince ??= elapsed();
    return this.isDrained || elapsed() - this.#resignsSince > DRAIN_MS ? 'leave' : 'keep';
  }

  /** Whether another replica, which missed nothing, should lead. */
  async #givesWay(): Promise<boolean> {
    const { hearing, now } = this.#options;
    const position = this.#position;
    const { segments } = hearing.tape;
    const verdicts = judgeTakeover({ segments, position, pending: [], clock: this.#clock });
    if (position === null || !verdicts.some(({ kind }) => kind === 'uncovered')) return false;
    if (now() - hearing.since > GIVE_WAY_MS) return false;
    return hearsWithoutGap(await this.#reports.siblings(), position.until, now());
  }

  async #follow(reply: TurnReply, announced: Position | null): Promise<void> {
    if (!reply.leads) {
      if (this.#leads) this.#standDown();
      this.#learn(reply.position);
      return;
    }
    if (reply.isNew || !this.#leads) {
      if (this.#leads) this.#standDown({ keepsLease: true });
      // Otherwise no other replica has led since: this one still has to write what it could not write.
      if (!isSame(this.#position, reply.position)) this.#legs.forgetLegs();
      this.#learn(reply.position);
      await this.#takeOver();
      return;
    }
    this.#position = announced ?? this.#position;
    await this.#forgetPassed();
    if (!this.#hasLostLegs) return;
    this.#hasLostLegs = false;
    await endLostLegs(this.#options.hearing, this.#legs, this.#options.now());
  }

  /** Drops what another leader has put into the log. */
  #learn(position: Position | null): void {
    const { tape } = this.#options.hearing;
    this.#position = position;
    const until = position === null ? null : this.#clock.ours(position.until);
    if (position === null || until === null) return;
    tape.drop({ id: position.id, until, safe: until - SAFE_MS });
    if (tape.overflow !== null && tape.overflow.to <= until) tape.endOverflow();
    const told = this.#overflow === null ? null : gapOf(this.#overflow.event);
    if (told !== null && told.to <= position.until) this.#overflow = null;
  }

  async #takeOver(): Promise<void> {
    const { hearing, source, place, logger, startedAt, turnMs } = this.#options;
    await tellWhatIsMissing({
      hearing,
      source,
      endpoint: place.endpoint,
      position: this.#position,
      clock: this.#clock,
      gaps: this.#gaps,
      legs: this.#legs,
      reports: this.#reports,
      startedAt,
      turnMs,
    });
    this.#lastId = '';
    this.#told = [];
    this.#resignsSince = null;
    this.#leads = true;
    logger.info({ endpoint: place.endpoint, backlog: hearing.tape.length }, 'publishing the events of the switch');
  }

  #standDown({ keepsLease = false } = {}): void {
    const { hearing, place, logger } = this.#options;
    this.#leads = false;
    hearing.tape.untell();
    if (keepsLease) return;
    this.#lease = newLease(place);
    logger.info({ endpoint: place.endpoint }, 'no longer publishing the events of the switch');
  }

  #announcement(): Position | null {
    const { hearing } = this.#options;
    const old = this.#position;
    const isTold = this.#overflow === null && hearing.tape.overflow === null;
    const complete = isTold ? hearing.tape.complete(hearing.mappedUntil) : null;
    const until = complete === null ? null : this.#clock.earliest(complete.until);
    const id = this.#lastId === '' ? (old?.id ?? '') : this.#lastId;
    if (complete === null || until === null || until <= (old?.until ?? -1)) return old === null ? null : { ...old, id };
    return { id, until, instance: complete.instance };
  }

  /** For a switch that keeps its events: leaves the mark once the log has everything that the switch sent. */
  #keptMark(announced: Position | null): string {
    const { isKept, tape } = this.#options.hearing;
    if (announced === null || !this.#leads || !isKept || tape.length > 0 || !this.isDrained) return '';
    return encodeKeptMark({ instance: announced.instance, until: announced.until });
  }

  #report(): string {
    const { hearing, now } = this.#options;
    const { state, since, reason, instance, heard } = hearing;
    return encodeSourceReport({ state, since, reason, instance, heard, leading: this.#leads, bound: null, at: now() });
  }

  #takeOverflow(): Kept | null {
    const { hearing, source, place } = this.#options;
    const { overflow } = hearing.tape;
    if (overflow === null) return null;
    const from = this.#clock.earliest(overflow.from) ?? overflow.from;
    const to = Math.max(from, this.#clock.latest(overflow.to) ?? overflow.to);
    hearing.tape.endOverflow();
    const gap: SourceGap = {
      source,
      endpoint: place.endpoint,
      reason: 'overflow',
      from,
      to,
      legs_ended: 0,
      legs_begun: 0,
    };
    return keep(gapEvent(gap), overflow.to, 'gap');
  }

  #noteTold(gap: SourceGap, isNew: boolean): void {
    const { observer, place, logger } = this.#options;
    this.#told.push(gap);
    // An earlier leader may have written and announced it.
    if (!isNew) return;
    observer.gapTold(place.endpoint, gap);
    const { endpoint, reason, from, to, legs_ended, legs_begun } = gap;
    logger.warn(
      { endpoint, reason, from, to, legs_ended, legs_begun },
      'the switch had no listener for a time: the log has a gap',
    );
  }

  async #forgetPassed(): Promise<void> {
    const { now } = this.#options;
    const last = this.#told.at(-1);
    if (last !== undefined) {
      const until = this.#position?.until ?? 0;
      await this.#gaps.told(last);
      await this.#gaps.passed(this.#told.filter(({ to }) => to <= until));
      this.#told = this.#told.filter(({ to }) => to > until);
    }
    if (now() - this.#prunedAt < PRUNE_EVERY_MS) return;
    this.#prunedAt = now();
    await this.#reports.prune(now());
  }

  #tell(error: unknown): void {
    const code = redisErrorCode(error);
    if (code === this.#failing) return;
    this.#failing = code;
    this.#options.logger.error(
      { endpoint: this.#options.place.endpoint, code },
      'the lease of the switch cannot be read',
    );
  }
}

function isSame(one: Position | null, other: Position | null): boolean {
  return one?.id === other?.id && one?.until === other?.until;
}

function newLease({ replica }: LeadPlace): string {
  return `${replica}:${randomUUID()}`;
}
