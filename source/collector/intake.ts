import type { ListedLeg, MappedEvent, Mapper, Outage, SwitchEvent } from '../mapper.ts';
import { GRACE_MS } from '../legs/leg-registry.ts';
import { SwitchFault, type SwitchListener } from '../switch.ts';

/** More events than any switch sends while it lists its legs: the listing has failed then. */
const MAX_WAITING = 20_000;
/** A CREATE waits for its account no longer than that: what the schema allows, and what silence of the switch adds. */
export const MAX_HOLD_MS = 2_000 + GRACE_MS;

export interface IntakeOptions {
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly forward: (event: MappedEvent, arrivedAt: number) => void;
  readonly onRead: (outcome: 'forwarded' | 'dropped' | 'malformed', reason: string) => void;
  /** A defect of a mapper: the event is lost, the connection is not. */
  readonly onDefect: (error: unknown) => void;
}

interface Arrived {
  readonly event: SwitchEvent;
  readonly at: number;
}

/**
 * Takes what one connection says. Until the listing is there, events wait; then they pass through the mapper at once.
 * It never waits and never throws (S7).
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
   * What the listing changes, then the events that waited; later ones go their way at once. `scratch` is a mapper
   * without legs, to see what the waiting events tell of themselves. Throws a SwitchFault when too many waited.
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

  /** Gives what has waited for its account for long enough. */
  advance(): void {
    const at = this.#options.now();
    if (this.#mapper === null || this.#hasEnded || at - this.#fedAt > 2 * MAX_HOLD_MS) return;
    this.#forward(
      this.#guard(() => this.#mapper?.advance(at) ?? []),
      at,
    );
  }

  /** Everything that was fed before this time was given. */
  givenUntil(now: number): number {
    return this.#mapper?.waitingSince() ?? now;
  }

  /**
   * What still comes is ignored. What waits for its account stays in the mapper: a replica that goes on listening tells
   * it better, and the next listing gives it.
   */
  end(): void {
    this.#hasEnded = true;
    this.#waiting = [];
  }

  /** Gives all that waits, since nobody else hears it. */
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

/** The legs of which these events tell the begin, or the end, themselves. */
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
