import type { ListedLeg, MappedEvent, Mapper, Outage, SwitchEvent } from '../mapper.ts';
import { GRACE_MS } from '../legs/leg-registry.ts';
import { SwitchFault, type SwitchListener } from '../switch.ts';

/** More events than any switch sends while it lists its legs: more mean that the listing failed. */
const MAX_WAITING = 20_000;
/** Upper bound of the wait of a CREATE for its account: the schema's maximum plus the allowed silence of the switch. */
export const MAX_HOLD_MS = 2_000 + GRACE_MS;

export interface IntakeOptions {
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly forward: (event: MappedEvent, arrivedAt: number) => void;
  readonly onRead: (outcome: 'forwarded' | 'dropped' | 'malformed', reason: string) => void;
  /** A defect of a mapper loses the event, but not the connection. */
  readonly onDefect: (error: unknown) => void;
}

interface Arrived {
  readonly event: SwitchEvent;
  readonly at: number;
}

/**
 * Receives what one connection delivers. Events wait until the listing has arrived; then the mapper gets them all at
 * once. Never waits and never throws (S7).
 */
export class Intake implements SwitchListener {
  readonly #options: IntakeOptions;
  #waiting: Arrived[] = [];
  #mapper: Mapper | null = null;
  #hasEnded = false;
  #fedAt = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  event(event: SwitchEvent): void {
    if (this.#hasEnded) return;
    const at = this.#options.now();
    if (this.#mapper !== null) this.#forward(this.#feed(this.#mapper, { event, at }), at);
    else if (this.#waiting.length <= MAX_WAITING) this.#waiting.push({ event, at });
  }

  malformed(what: string): void {
    if (!this.#hasEnded) this.#options.onRead('malformed', what);
  }

  /**
   * Emits the changes of the listing, then the events that waited; later events are mapped at once. `scratch` is a
   * mapper without legs: it shows what the waiting events say by themselves. Throws a SwitchFault when too many waited.
   */
  adopt(mapper: Mapper, scratch: Mapper, listing: readonly ListedLeg[], outage: Outage) {
    if (this.#waiting.length > MAX_WAITING) {
      throw new SwitchFault('Silent', 'the switch did not list its legs before too many events came');
    }
    const own = ownEnds(scratch, this.#waiting);
    const listed = [...mapper.adopt(listing, { ...outage, ...own }), ...mapper.advance(Infinity)];
    const waited = this.#waiting.map((one) => ({ events: this.#feed(mapper, one), at: one.at }));
    this.#waiting = [];
    this.#mapper = mapper;
    const heard = new Set(waited.flatMap(({ events }) => events.filter(isOwn).map(nameOfLeg)));
    return { adopted: listed.filter((event) => !heard.has(nameOfLeg(event))), waited };
  }

  /** Emits events that have waited for their account long enough. */
  advance(): void {
    const at = this.#options.now();
    if (this.#mapper === null || this.#hasEnded || at - this.#fedAt > 2 * MAX_HOLD_MS) return;
    this.#forward(
      this.#guard(() => this.#mapper?.advance(at) ?? []),
      at,
    );
  }

  /** Everything that arrived before this time was emitted. */
  givenUntil(now: number): number {
    return this.#mapper?.waitingSince() ?? now;
  }

  /**
   * Ignores later events. Events that wait for an account remain in the mapper: a replica that still listens produces
   * better ones, and the next listing adds them otherwise.
   */
  end(): void {
    this.#hasEnded = true;
    this.#waiting = [];
  }

  /** Emits all waiting events, because no other replica received them. */
  flush(): void {
    this.#forward(
      this.#guard(() => this.#mapper?.advance(Infinity) ?? []),
      this.#options.now(),
    );
  }

  #feed(mapper: Mapper, { event, at }: Arrived): readonly MappedEvent[] {
    this.#fedAt = at;
    return this.#guard(() => {
      const { events, dropped } = mapper.feed(event, at);
      if (dropped === null) this.#options.onRead('forwarded', '');
      else this.#options.onRead(dropped.reason === 'malformed' ? 'malformed' : 'dropped', dropped.reason);
      return events;
    });
  }

  #forward(events: readonly MappedEvent[], at: number): void {
    for (const event of events) this.#options.forward(event, at);
  }

  #guard(work: () => readonly MappedEvent[]): readonly MappedEvent[] {
    try {
      return work();
    } catch (error) {
      this.#options.onRead('malformed', 'defect');
      this.#options.onDefect(error);
      return [];
    }
  }
}

const isOwn = ({ synthetic }: MappedEvent) => synthetic === null;
const nameOfLeg = ({ callId, name }: MappedEvent) => `${name} ${callId}`;

/** The legs whose CREATE, or whose DESTROY, is among these events. */
function ownEnds(scratch: Mapper, waiting: readonly Arrived[]): Required<Pick<Outage, 'begun' | 'ended'>> {
  const begun = new Set<string>();
  const ended = new Set<string>();
  const note = (events: readonly MappedEvent[]) => {
    for (const { name, callId, synthetic } of events) {
      if (synthetic !== null) continue;
      if (name === 'CHANNEL_CREATE') begun.add(callId);
      if (name === 'CHANNEL_DESTROY') ended.add(callId);
    }
  };
  for (const { event, at } of waiting) note(scratch.feed(event, at).events);
  note(scratch.advance(Infinity));
  return { begun, ended };
}
