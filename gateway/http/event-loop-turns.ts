import { Lanes, type Stage, type Work } from './lanes.ts';
import { Pause } from './pause.ts';

/** A slice of work takes no longer than this, except for its last piece. */
const SLICE_MS = 1;
/** Between two slices events are delivered, and no other waiting work of this queue runs. */
const PAUSE_MS = 1;
/**
 * The pause lasts until the event loop was idle for twice the duration of the slice; a loop that is never idle runs a
 * slice every 5 ms.
 */
const BETWEEN_SLICES = { idleRatio: 2, longestMs: 5 };
/** Between two pieces of lanes in debt: they get an eighth of an idle loop, or a piece every 15 ms. */
const BETWEEN_PATIENT = { idleRatio: 7, longestMs: 15 };
/**
 * Waiting work of the slow lanes runs one piece at a time, this far apart: more than the longest pause, so that other
 * work also runs.
 */
const SLOW_EVERY_MS = 40;
/** Limit of one slow lane: a second's worth when only one address has any. */
const MOST_SLOW = 25;
/** Limit of the new work in all lanes in debt, which have equal shares of it. */
const MOST_PATIENT = 2_000;
/**
 * What follows a piece after its slice (the end of a handshake, the later steps of a login, the garbage of both) cannot
 * be measured: this is the average of logins over TLS.
 */
const LATER_MS = 0.8;

/** The parts of the event loop that turns need. */
export interface EventLoop {
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** Milliseconds that the loop has been idle. */
  idleTime(): number;
  /** Starts a turn: at once, or after a wait in milliseconds. */
  schedule(turn: () => void, waitMs: number): void;
  /** Runs the work after the due callbacks of the present tick. */
  behind(work: () => void): void;
}

export interface Costs {
  isInDebt(lane: string, now: number): boolean;
}

const EVENT_LOOP: EventLoop = {
  now: () => performance.now(),
  idleTime: () => performance.nodeTiming.idleTime,
  schedule(turn, waitMs) {
    if (waitMs <= 0) setImmediate(turn);
    else setTimeout(turn, waitMs);
  },
  behind: (work) => process.nextTick(work),
};

/**
 * Runs the work that clients cause before they have a stream (TLS handshakes, requests), so that many of them delay
 * events by only about a millisecond. Work runs in slices of a millisecond, in which lanes (addresses) take turns, with
 * pauses between them. A pause is long enough for the consequences of a slice (a login's later steps): it ends when the
 * loop has been idle. Work of lanes in debt is patient: one piece at a time, with longer pauses. Work of a lane with faults
 * waits in a slow lane, of which 25 pieces run in a second.
 */
export class Turns {
  readonly #loop: EventLoop;
  readonly #costs: Costs;
  readonly #lanes = new Lanes();
  readonly #patient = new Lanes();
  readonly #slow = new Lanes();
  readonly #pause: Pause;
  readonly #patientPause: Pause;
  #isScheduled = false;
  /** The earliest start of the next slice, and of the next slow piece. */
  #nextAt = Number.NEGATIVE_INFINITY;
  #nextSlowAt = Number.NEGATIVE_INFINITY;

  constructor(costs: Costs, loop: EventLoop = EVENT_LOOP) {
    this.#costs = costs;
    this.#loop = loop;
    this.#pause = new Pause(loop, BETWEEN_SLICES);
    this.#patientPause = new Pause(loop, BETWEEN_PATIENT);
  }

  /** False, and the work never runs, when it begins something and too much waits in a lane in debt. */
  run(lane: string, stage: Stage, work: Work): boolean {
    // What has begun goes on at once: the stream at its end may pay the debt.
    const isPatient = stage === 'begin' && this.#isPatient(lane);
    if (isPatient && this.#isPatientFull(lane)) return false;
    (isPatient ? this.#patient : this.#lanes).push(lane, stage, work);
    this.#arrange();
    return true;
  }

  /** False, and the work never runs, when the slow lane is full. */
  runSlowly(lane: string, work: Work): boolean {
    if (this.isFull(lane)) return false;
    this.#slow.push(lane, 'begin', work);
    this.#arrange();
    return true;
  }

  /** Whether the slow lane has no room for more work of this lane. */
  isFull(lane: string): boolean {
    return this.#slow.lengthOf(lane) >= MOST_SLOW;
  }

  #isPatient(lane: string): boolean {
    if (this.#patient.lengthOf(lane) > 0) return true;
    return this.#lanes.lengthOf(lane) === 0 && this.#costs.isInDebt(lane, this.#loop.now());
  }

  #isPatientFull(lane: string): boolean {
    return this.#patient.lengthOf(lane) >= MOST_PATIENT / Math.max(1, this.#patient.count);
  }

  #arrange(): void {
    if (this.#isScheduled || this.#lanes.size + this.#patient.size + this.#slow.size === 0) return;
    this.#isScheduled = true;
    const now = this.#loop.now();
    this.#loop.schedule(() => this.#turn(), Math.max(this.#nextAt, this.#earliest(now)) - now);
  }

  /** When some of the waiting work may run, at the earliest. */
  #earliest(now: number): number {
    if (this.#lanes.size > 0) return now;
    const patientAt = this.#patient.size > 0 ? this.#patientPause.endsAt(now) : Number.POSITIVE_INFINITY;
    const slowAt = this.#slow.size > 0 ? this.#nextSlowAt : Number.POSITIVE_INFINITY;
    return Math.min(patientAt, slowAt);
  }

  #turn(): void {
    const start = this.#loop.now();
    if (!this.#pause.isOver(start)) {
      this.#isScheduled = false;
      this.#nextAt = start + PAUSE_MS;
      return this.#arrange();
    }
    if (this.#slow.size === 0 || start < this.#nextSlowAt) return this.#slice(start);
    this.#nextSlowAt = start + SLOW_EVERY_MS;
    runFirst(this.#slow);
    this.#loop.behind(() => this.#slice(start));
  }

  /**
   * Runs pieces until the slice is used up. Work that a piece leaves for the next tick (as a handshake does) counts as
   * part of it.
   */
  #slice(start: number): void {
    const begun = this.#loop.now();
    const lanes = begun - start < SLICE_MS ? this.#nextLanes(begun) : null;
    if (lanes === null || !runFirst(lanes)) return this.#endSlice(start, begun);
    this.#loop.behind(() => {
      const now = this.#loop.now();
      if (lanes === this.#patient) this.#patientPause.begin(now - begun + LATER_MS, now);
      this.#slice(start);
    });
  }

  /** Patient work is never starved: when its pause is over, one piece of it is next. */
  #nextLanes(now: number): Lanes | null {
    this.#sort(now);
    if (this.#patient.size > 0 && this.#patientPause.isOver(now)) return this.#patient;
    return this.#lanes.size > 0 ? this.#lanes : null;
  }

  /** A lane that comes into debt becomes patient with the new work that waits in it, and the other way round. */
  #sort(now: number): void {
    for (let lane = this.#lanes.next; lane !== null; lane = this.#lanes.next) {
      if (this.#lanes.hasStarted(lane) || !this.#costs.isInDebt(lane, now)) break;
      this.#lanes.moveNext(this.#patient);
    }
    const first = this.#patient.next;
    if (first !== null && !this.#costs.isInDebt(first, now)) this.#patient.moveNext(this.#lanes);
  }

  #endSlice(start: number, end: number): void {
    this.#pause.begin(end - start, end);
    this.#nextAt = end + PAUSE_MS;
    this.#isScheduled = false;
    this.#arrange();
  }
}

/** Runs the next piece; false when there is none. A piece that its client gave up takes no turn. */
function runFirst(lanes: Lanes): boolean {
  while (lanes.size > 0) if (lanes.shift()?.() !== false) return true;
  return false;
}
