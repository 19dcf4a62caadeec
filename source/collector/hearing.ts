import type { Logger } from '../../runtime/logging/logger.ts';
import type { SwitchReason, Switch, SwitchConnection } from '../switch.ts';
import type { ListedLeg, MappedEvent, Mapper } from '../mapper.ts';
import { Intake } from './intake.ts';
import type { RingBudget } from './kept.ts';
import { listen } from './listen.ts';
import type { CollectorObserver } from './observer.ts';
import type { Position } from './position.ts';
import { Tape } from './tape.ts';

/** One switch of a source. */
export interface EndpointSpec {
  /** Characters `a-z`, `0-9` and `-`; unique in the source. */
  readonly name: string;
  readonly switch: Switch;
  /** Creates a mapper without legs, for one life of the switch. */
  readonly createMapper: (life: { readonly version: string; readonly instance: string }) => Mapper;
}

/** More than eight members: what one endpoint shares with the others of the source. */
export interface HearingOptions {
  readonly spec: EndpointSpec;
  readonly budget: RingBudget;
  readonly logger: Logger;
  readonly observer: CollectorObserver;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
  readonly random?: () => number;
  /** What the log has, as far as it is known. */
  readonly known: () => Position | null;
  /** Something was received, or the state changed. */
  readonly onNews: (news: 'event' | 'state') => void;
  readonly onFull: () => void;
}

/** What one replica receives from one switch: the connection, the mapper and the tape. */
export class Hearing {
  readonly tape: Tape;
  readonly #options: HearingOptions;
  #mapper: Mapper | null = null;
  #intake: Intake | null = null;
  #connection: SwitchConnection | null = null;
  #instance = '';
  #heard: { from: number; to: number } | null = null;
  #isClosed = false;
  state: 'Waiting' | 'Connecting' | 'Listing' | 'Live' = 'Waiting';
  since: number;
  reason = '';

  constructor(options: HearingOptions) {
    this.#options = options;
    this.tape = new Tape(options.budget);
    this.since = options.now();
  }

  get isLive(): boolean {
    return this.state === 'Live';
  }

  get instance(): string {
    return this.#instance;
  }

  /** The last connection was closed in order, and the switch keeps its events for the next one. */
  get isKept(): boolean {
    return this.#isClosed;
  }

  get liveLegs(): readonly string[] {
    return this.#mapper?.liveLegs() ?? [];
  }

  /** The last time of uninterrupted listening, by the local clock. */
  get heard(): { readonly from: number; readonly to: number } | null {
    if (this.#heard !== null && this.#connection !== null) this.#heard.to = this.#heardAt(this.#connection);
    return this.#heard;
  }

  /** Everything that the switch sent before this time was received and mapped. */
  get mappedUntil(): number {
    const until = this.heard?.to ?? 0;
    return this.#intake === null ? until : Math.min(until, this.#intake.givenUntil(this.#options.now()));
  }

  run(signal: AbortSignal): Promise<void> {
    const { spec, elapsed, random, observer, logger } = this.#options;
    return listen({
      switch: spec.switch,
      signal,
      elapsed,
      ...(random !== undefined && { random }),
      openIntake: () => this.#openIntake(),
      onState: (state, reason) => this.#enter(state, reason),
      onLive: (connection, intake, listing) => this.#begin(connection, intake, listing),
      onLost: (connection, reason) => this.#end(connection, reason),
      onFault: (reason, error) => {
        observer.connectEnded(spec.name, reason);
        // The text of a SwitchFault never holds a credential (S12); that of another error might.
        const told = error instanceof Error && error.name === 'SwitchFault' ? { why: error.message } : {};
        logger.warn({ endpoint: spec.name, code: reason, ...told }, 'the switch cannot be listened to');
      },
    });
  }

  /** Call regularly while events may wait for their accounts. */
  advance(): void {
    this.#intake?.advance();
  }

  #openIntake(): Intake {
    const { spec, now, observer, logger } = this.#options;
    return new Intake({
      now,
      forward: (event, at) => this.#keep(event, at),
      onRead: (outcome, reason) => observer.eventRead(spec.name, outcome, reason),
      onDefect: (error) => logger.error({ endpoint: spec.name, err: error }, 'an event cannot be mapped'),
    });
  }

  #keep(event: MappedEvent, at: number): void {
    const { budget, onNews, onFull } = this.#options;
    this.tape.push(event, at);
    if (budget.isExceeded) onFull();
    onNews('event');
  }

  #begin(connection: SwitchConnection, intake: Intake, listing: readonly ListedLeg[]): void {
    const { spec, now, observer, logger, known } = this.#options;
    const { version, instance, since, degraded, keeping } = connection;
    const to = now();
    // From the log if known: all replicas then produce the same ids.
    const outage = { from: Math.min(known()?.until ?? this.#heard?.to ?? since, to), to, restarted: false };
    const ends: MappedEvent[] = [];
    if (this.#mapper !== null && this.#instance !== instance) {
      ends.push(...this.#mapper.adopt([], { ...outage, restarted: true }), ...this.#mapper.advance(Infinity));
      this.#mapper = null;
    }
    const mapper = this.#mapper ?? spec.createMapper({ version, instance });
    const { adopted, waited } = intake.adopt(mapper, spec.createMapper({ version, instance }), listing, outage);
    this.#mapper = mapper;
    this.#instance = instance;
    this.#intake = intake;
    this.#connection = connection;
    this.#heard = { from: since, to: since };
    this.tape.begin({ from: since, instance, keptSince: keeping?.since ?? null, adopted: [...ends, ...adopted] });
    this.#isClosed = false;
    for (const { events, at } of waited) for (const event of events) this.#keep(event, at);
    this.#enter('Live', degraded ?? '');
    observer.connectEnded(spec.name, 'Live');
    observer.resynced(spec.name, Math.max(0, now() - since));
    logger.info(
      { endpoint: spec.name, version, legs: listing.length, ...(degraded !== null && { degraded }) },
      'listening to the switch',
    );
  }

  #end(connection: SwitchConnection, reason: SwitchReason): void {
    const { now } = this.#options;
    this.#isClosed = connection.keeping?.isClosed ?? false;
    if (this.#isClosed) this.#intake?.flush();
    const to = Math.min(this.#heardAt(connection), this.#intake?.givenUntil(now()) ?? Infinity);
    if (this.#heard !== null) this.#heard.to = to;
    this.#intake = null;
    this.#connection = null;
    this.tape.end(to);
    this.#enter('Waiting', reason);
    this.#options.logger.warn(
      { endpoint: this.#options.spec.name, code: reason },
      'the connection to the switch has ended',
    );
  }

  #heardAt({ heardAt }: SwitchConnection): number {
    return Math.max(this.#heard?.from ?? 0, Math.min(heardAt, this.#options.now()));
  }

  #enter(state: Hearing['state'], reason: string): void {
    this.state = state;
    this.reason = reason;
    this.since = this.#options.now();
    this.#options.onNews('state');
  }
}
