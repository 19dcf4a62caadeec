import type { Position } from '../../protocol/position.ts';
import type { PoisonReason } from '../../event-log/poison.ts';
import type { Account } from '../directory/directory.ts';
import type { Place, SessionHistory } from '../journal/history.ts';

/** An event in the log. */
export interface FoundEvent {
  readonly id: string;
  readonly name: string;
  /** Empty for none. */
  readonly account: string;
  readonly callId: string;
  readonly place: Place;
  readonly ingestedAt: string | null;
  readonly poison: PoisonReason | null;
}

/** The result of the search for an event. */
export type Search =
  | { readonly kind: 'found'; readonly event: FoundEvent }
  /** The whole log was searched. `oldestAt`: its oldest entry, Unix milliseconds. */
  | { readonly kind: 'absent'; readonly oldestAt: number | null }
  /** The place is older than the log's first entry. */
  | { readonly kind: 'trimmed' }
  /** The search ended before the oldest entry: at this time, Unix milliseconds. */
  | { readonly kind: 'gave_up'; readonly at: number };

/** The certain progress of a session that is still open. */
export interface Standing {
  readonly to: Position;
  /** Whether nothing after `to` was written yet; false when unknown. */
  readonly isExact: boolean;
}

export interface SessionLook {
  readonly history: SessionHistory;
  /** Null for a closed session, or an unknown one. */
  readonly standing: Standing | null;
}

/** State of an event in a durable group, in Redis. */
export interface GroupLook {
  readonly group: string;
  /** Whether the group's own filter and grant keep the event; null when its grant is unknown. */
  readonly isKept: boolean | null;
  /** The replica that reads the partition for the group; null for none. */
  readonly owner: string | null;
  readonly state:
    | { readonly kind: 'not_read' }
    | { readonly kind: 'pending'; readonly attempts: number }
    | {
        readonly kind: 'dead_letter';
        readonly id: string;
        readonly attempts: number;
        readonly error: string;
        readonly why: string;
      }
    | { readonly kind: 'acknowledged' };
}

/** All inputs of an explanation. More than eight members: one for each input of delivery. */
export interface Look {
  readonly search: Search;
  /** The present account of the event; null when the directory lacks it. */
  readonly account: Account | null;
  /** Whether the resource offers it; null when its offer has changed since. */
  readonly isOffered: boolean | null;
  /** Whether the account is at the same place as when the event passed. */
  readonly isTreeKnown: boolean;
  /** The account in the question; null when it names an unknown session or token. */
  readonly loginAccount: string | null;
  /** Whether user and account exist and are enabled now; null when unknown. */
  readonly isUserEnabled: boolean | null;
  /** The sessions in the question, in the order of their start. */
  readonly sessions: readonly SessionLook[];
  /** Null when the question is not about a group. */
  readonly group: GroupLook | null;
}
