import type { SyntheticReason } from '../protocol/synthetic.ts';

/** One event as a switch sends it: flat for the event socket and AMI, nested for ARI. Untrusted. */
export type SwitchEvent = Readonly<Record<string, unknown>>;

/** Why a source makes an event that is not the switch's own. */
export type Synthetic = Extract<SyntheticReason, 'missed' | 'switch_restarted'>;

/** An event of the catalogue, ready to be appended. */
export interface MappedEvent {
  readonly name: string;
  /** Empty when neither the switch nor a rule gives one: the event is then not delivered. */
  readonly account: string;
  readonly callId: string;
  /** Stable: two listeners and a restart produce the same id. 1 to 128 of A-Z a-z 0-9 . _ : - */
  readonly eventId: string;
  /** Orders the events of one endpoint; opaque. */
  readonly position: string;
  /** Unix milliseconds by the switch's clock. */
  readonly at: number;
  /** The bytes of the event as the log stores them. */
  readonly json: string;
  readonly synthetic: Synthetic | null;
}

/** Why a switch's event was dropped. `what` is bounded: an event name of the switch, never data of a call. */
export interface Drop {
  readonly reason: DropReason;
  readonly what: string;
}

export type DropReason =
  /** The catalogue has no name for it, or it only changes the mapper's state. */
  | 'not_mapped'
  /** Repeats what the leg's state already says: an Unhold without Hold, a second CREATE. */
  | 'no_change'
  /** Its leg has ended. */
  | 'after_destroy'
  /** It names no leg, or lacks the form of the switch's events. */
  | 'malformed'
  /** The name is never forwarded (`protocol/catalogue.ts`). */
  | 'never_forwarded'
  /** Kazoo: the body's name differs from that in the routing key. */
  | 'key_mismatch'
  /** Kazoo: `Event-Category: error`. */
  | 'error_category'
  /** Kazoo: the body breaks a rule of `event-log/intake/`. */
  | 'rejected';

export interface Mapped {
  readonly events: readonly MappedEvent[];
  readonly dropped: Drop | null;
}

/** One leg of a listing, requested after the subscription is in force. */
export interface ListedLeg {
  /** As the switch names it. */
  readonly id: string;
  /** Data of the leg from the switch, in the form of its events. */
  readonly event: SwitchEvent;
}

/** A time without any listener. */
export interface Outage {
  /** Unix milliseconds. */
  readonly from: number;
  /** Unix milliseconds: time of the listing. */
  readonly to: number;
  /** The switch has restarted since: none of the earlier legs exists. */
  readonly restarted: boolean;
  /**
   * Call-IDs whose CREATE, or whose DESTROY, was received between the subscription and the listing and is fed after it:
   * the listing neither begins nor ends these legs.
   */
  readonly begun?: ReadonlySet<string>;
  readonly ended?: ReadonlySet<string>;
}

/**
 * Maps a switch's events to those of the catalogue. Pure: no clock, no I/O; its state is one registry of live legs.
 * `now` is the arrival in Unix milliseconds, by the same clock for all three methods; it bounds how long a CREATE waits
 * for its account.
 */
export interface Mapper<Event = SwitchEvent> {
  feed(event: Event, now: number): Mapped;
  /** After an outage: ends legs that are gone, begins new ones, corrects changed ones. */
  adopt(listing: readonly ListedLeg[], outage: Outage): readonly MappedEvent[];
  /**
   * Returns the events that have waited long enough; Infinity returns all. Call regularly while the switch sends
   * nothing.
   */
  advance(now: number): readonly MappedEvent[];
  /** When the oldest event that waits for its account was fed; null when none waits. */
  waitingSince(): number | null;
  /** Call-IDs of the legs that have not ended. */
  liveLegs(): readonly string[];
}
