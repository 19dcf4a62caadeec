/** What happened to a connection that explains why its events come again: between these times (monotonic, ms). */
interface Mishap {
  readonly from: number;
  readonly to: number;
}

/** One connection of a durable group, as the consumer sees it. */
export interface Link {
  readonly consumer: string;
  readonly mishaps: Mishap[];
}

/** An event that the group gave up, as the dead letters have it. */
export interface GivenUp {
  readonly eventId: string;
  readonly reason: string;
  readonly attempts: number;
}

/** The events that a group was owed, by outcome; everything but `owed`, `redelivered` and `dead` must be 0. */
export interface GroupAccount {
  readonly owed: number;
  /** Neither handled nor a dead letter. */
  readonly lost: number;
  /** Delivered again although the connection that had it, or had handled it, did not end. */
  readonly doubled: number;
  /** Delivered before an earlier event of its call was handled or a dead letter. */
  readonly inverted: number;
  /** A dead letter that was not refused, or was handled, or had too few attempts. */
  readonly givenUpWrongly: number;
  /** Acknowledgements refused on a connection that did not end. */
  readonly vain: number;
  /** Delivered again after the end of a connection, as documented. */
  readonly redelivered: number;
  readonly dead: number;
}

export interface EventKey {
  readonly call: number;
  readonly n: number;
}

interface Place {
  readonly state: 'with' | 'handled' | 'refused' | 'ended';
  readonly link: Link;
  readonly at: number;
}

/** An acknowledgement that was sent may need this long to be in Redis, on a busy machine. */
const UNDER_WAY_MS = 3_000;

const keyOf = ({ call, n }: EventKey) => `${call}:${n}`;

/**
 * Follows every event of every call through all connections of one group. An event is handled when its consumer sends
 * the acknowledgement, not when it arrives: events that a consumer had before it died must come again. Pure: times are
 * arguments.
 */
export class GroupLedger {
  readonly #places = new Map<string, Place>();
  /** By call, the first number that is not known to be settled. */
  readonly #open = new Map<number, number>();
  /** Not handled when the next one of their call came: correct only for dead letters. */
  readonly #overtaken = new Set<string>();
  readonly #refused = new Set<string>();
  #doubled = 0;
  #inverted = 0;
  #vain = 0;
  #redelivered = 0;

  arrive(event: EventKey, link: Link, at: number): void {
    const key = keyOf(event);
    const before = this.#places.get(key);
    if (before !== undefined && before.state !== 'refused') {
      if (isExplained(before)) this.#redelivered += 1;
      else this.#doubled += 1;
    }
    if (this.#overtaken.has(key)) this.#inverted += 1;
    this.#passOver(event);
    this.#places.set(key, { state: 'with', link, at });
  }

  handle(event: EventKey, link: Link, at: number): void {
    this.#places.set(keyOf(event), { state: 'handled', link, at });
  }

  /** To have it again. */
  refuse(event: EventKey, link: Link, at: number): void {
    this.#refused.add(keyOf(event));
    this.#places.set(keyOf(event), { state: 'refused', link, at });
  }

  /** Never to have it again. */
  end(event: EventKey, link: Link, at: number): void {
    this.#refused.add(keyOf(event));
    this.#places.set(keyOf(event), { state: 'ended', link, at });
  }

  /** The server said that it could not keep an acknowledgement. */
  inVain(link: Link): void {
    if (link.mishaps.length === 0) this.#vain += 1;
  }

  /** Events by the last action of a consumer. */
  count(state: 'with' | 'handled' | 'refused' | 'ended'): number {
    return [...this.#places.values()].filter((place) => place.state === state).length;
  }

  /** Number of produced events that are neither handled nor dead letters. */
  missing(produced: readonly number[], dead: ReadonlySet<string>): number {
    let missing = 0;
    for (const [call, count] of produced.entries()) {
      for (let n = 1; n <= count; n += 1) {
        const key = keyOf({ call, n });
        if (this.#places.get(key)?.state !== 'handled' && !dead.has(key)) missing += 1;
      }
    }
    return missing;
  }

  account(produced: readonly number[], letters: readonly GivenUp[], maxDeliver: number): GroupAccount {
    const dead = new Set(letters.map(({ eventId }) => eventId));
    const isAlive = ({ eventId, reason, attempts }: GivenUp) => {
      const place = this.#places.get(eventId);
      const wasHandled = place?.state === 'handled' && !isExplained(place);
      return wasHandled || !this.#refused.has(eventId) || (reason === 'max_deliver' && attempts < maxDeliver);
    };
    const overtaken = [...this.#overtaken].filter((key) => !dead.has(key)).length;
    return {
      owed: produced.reduce((sum, count) => sum + count, 0),
      lost: this.missing(produced, dead),
      doubled: this.#doubled + letters.length - dead.size,
      inverted: this.#inverted + overtaken,
      givenUpWrongly: letters.filter(isAlive).length,
      vain: this.#vain,
      redelivered: this.#redelivered,
      dead: dead.size,
    };
  }

  #passOver({ call, n }: EventKey): void {
    const from = this.#open.get(call) ?? 1;
    for (let earlier = from; earlier < n; earlier += 1) {
      const key = keyOf({ call, n: earlier });
      if (this.#places.get(key)?.state !== 'handled') this.#overtaken.add(key);
    }
    if (n > from) this.#open.set(call, n);
  }
}

/** Whether a redelivery is one of the documented kinds. */
function isExplained({ state, link, at }: Place): boolean {
  if (state === 'with') return link.mishaps.some(({ to }) => to >= at);
  return link.mishaps.some(({ from, to }) => at >= from - UNDER_WAY_MS && at <= to);
}

/** The faults of an account as text; empty when there are none. */
export function groupFaultsOf(group: string, account: GroupAccount): string[] {
  const { lost, doubled, inverted, givenUpWrongly, vain } = account;
  const named = { lost, doubled, inverted, 'given up wrongly': givenUpWrongly, 'acknowledged in vain': vain };
  return Object.entries(named).flatMap(([what, count]) =>
    count === 0 ? [] : [`${group}: ${count} of ${account.owed} ${what}`],
  );
}
