import { setTimeout as delay } from 'node:timers/promises';
import type { AppendOutcome, EventLog } from '../../event-log/event-log.ts';
import type { SourceGap } from '../../protocol/source-gap.ts';
import { encodeSourceReport, type SourceReport } from '../../protocol/source-report.ts';
import { reportStore } from '../collector/reports.ts';
import type { MappedEvent } from '../mapper.ts';
import type { Wanted } from './bindings.ts';
import type { BusMapper } from './bus-mapper.ts';
import type { Broker } from '../../runtime/amqp/connect.ts';
import { Consumer, type ConsumerState } from './consumer.ts';
import { writeReport, type CoveragePlace } from './coverage.ts';
import type { AmqpReason } from '../../runtime/amqp/fault.ts';
import { Losses } from './losses.ts';
import { OverflowWatch } from './overflow-watch.ts';
import { Publisher } from './publisher.ts';

/** One broker of a source with its name. */
export interface BrokerSpec {
  /** Of a-z, 0-9 and -. */
  readonly name: string;
  readonly broker: Broker;
}

/** Business events of a bus, to be counted. No name or reason contains data of a call, an account or a credential. */
export interface BusObserver {
  /** An attempt to connect has ended: messages arrive now, or `outcome` says why not. */
  connectEnded(endpoint: string, outcome: 'Live' | AmqpReason): void;
  /** A message was mapped. `reason` is empty for a forwarded message. */
  eventRead(endpoint: string, outcome: 'forwarded' | 'dropped' | 'malformed', reason: string): void;
  /** An append has ended. `lagMs`: from the switch's time to now. */
  eventAppended(endpoint: string, event: MappedEvent, outcome: AppendOutcome['outcome'], lagMs: number): void;
  gapTold(endpoint: string, gap: SourceGap): void;
  /** The state of a broker has changed. */
  stateChanged(endpoint: string, state: ConsumerState): void;
}

/** More than eight members: the parts of a bus that serve one broker. */
export interface BusEndpointOptions {
  readonly spec: BrokerSpec;
  readonly place: CoveragePlace;
  readonly wanted: Wanted;
  readonly prefetch: number;
  readonly mapper: BusMapper;
  readonly holdMs: number;
  readonly eventLog: Pick<EventLog, 'append' | 'partitions'>;
  readonly observer: BusObserver;
  /** Unix milliseconds. */
  readonly now: () => number;
}

const REPORT_MS = 2_000;
/** Every thirtieth report also removes the reports of replicas that are gone. */
const PRUNE_EVERY = 30;
/** The mapper's reasons for a message that is not a valid event. */
const MALFORMED: ReadonlySet<string> = new Set(['malformed', 'rejected']);

/** One broker whose messages this replica consumes, maps and appends. */
export class BusEndpoint {
  readonly #options: BusEndpointOptions;
  readonly #consumer: Consumer;
  readonly #publisher: Publisher;
  readonly #overflow: OverflowWatch;
  readonly #losses: Losses;
  #state: ConsumerState = { connected: false, bound: false, reason: null };
  #since: number;

  constructor(options: BusEndpointOptions) {
    const { spec, place, wanted, prefetch, mapper, holdMs, eventLog, observer, now } = options;
    this.#options = options;
    this.#since = now();
    this.#overflow = new OverflowWatch(wanted.queue.maxLength);
    this.#losses = new Losses({
      place,
      ttlMs: wanted.queue.messageTtlMs,
      overflow: this.#overflow,
      eventLog,
      onGap: (gap) => observer.gapTold(spec.name, gap),
      now,
    });
    this.#publisher = new Publisher({
      mapper,
      eventLog,
      holdMs,
      now,
      onDone: (number) => this.#consumer.acknowledgeBelow(number),
      onRead: (drop) => {
        if (drop === null) return observer.eventRead(spec.name, 'forwarded', '');
        observer.eventRead(spec.name, MALFORMED.has(drop.reason) ? 'malformed' : 'dropped', drop.reason);
      },
      onOutcome: (outcome, event) => observer.eventAppended(spec.name, event, outcome, now() - event.at),
    });
    this.#consumer = new Consumer({
      broker: spec.broker,
      wanted,
      prefetch,
      now,
      take: (delivery) => this.#publisher.receive(delivery),
      coverage: this.#losses,
      onWaiting: (waiting, at) => this.#overflow.noteWhileAway(waiting, at, now()),
      onState: (state) => this.#noteState(state),
    });
  }

  get figures() {
    const { connected, bound } = this.#state;
    const { size, isActive } = this.#consumer;
    return {
      endpoint: this.#options.spec.name,
      isLive: connected,
      isBound: bound,
      isLeading: connected && isActive,
      kept: size,
      backlog: this.#overflow.waiting,
      backlogLimit: this.#options.wanted.queue.maxLength,
      liveLegs: this.#options.mapper.liveLegs().length,
    };
  }

  /** Runs until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#consumer.run(signal), this.#publisher.run(signal), this.#report(signal)]);
  }

  #noteState(state: ConsumerState): void {
    const { observer, spec, now } = this.#options;
    if (state.connected && !this.#state.connected) observer.connectEnded(spec.name, 'Live');
    if (!state.connected && state.reason !== null) observer.connectEnded(spec.name, state.reason);
    if (state.connected !== this.#state.connected) this.#since = now();
    this.#state = state;
    observer.stateChanged(spec.name, state);
  }

  /** Report for the other replicas and the operator. A replica whose report is ten seconds old counts as gone. */
  async #report(signal: AbortSignal): Promise<void> {
    const { place, now } = this.#options;
    const reports = reportStore(place.client, place.keys, place);
    for (let count = 0; !signal.aborted; count += 1) {
      try {
        await writeReport(place, encodeSourceReport(this.report()));
        if (count % PRUNE_EVERY === 0) await reports.prune(now());
      } catch {
        // Redis is away: the next report replaces this one.
      }
      await delay(REPORT_MS, undefined, { signal }).catch(() => undefined);
    }
    await reports.remove().catch(() => undefined);
  }

  report(): SourceReport {
    const { connected, bound, reason } = this.#state;
    return {
      state: connected ? 'Live' : reason === null ? 'Connecting' : 'Waiting',
      since: this.#since,
      reason: reason ?? '',
      instance: '',
      heard: this.#losses.heard,
      leading: connected && this.#consumer.isActive,
      bound,
      at: this.#options.now(),
    };
  }
}
