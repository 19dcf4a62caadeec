import type { Position } from '../../protocol/position.ts';
import type { PoisonReason } from '../../event-log/poison.ts';
import type { Account } from '../directory/directory.ts';
import type { Place, SessionHistory } from '../journal/history.ts';

/** An event as the log has it. */
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

/** What the search for an event found. */
export type Search =
  | { readonly kind: 'found'; readonly event: FoundEvent }
  /** The whole log was looked through. `oldestAt`: its oldest entry, Unix milliseconds. */
  | { readonly kind: 'absent'; readonly oldestAt: number | null }
  /** The place is older than what the log keeps. */
  | { readonly kind: 'trimmed' }
  /** The search ended before the oldest entry: at this time, Unix milliseconds. */
  | { readonly kind: 'gave_up'; readonly at: number };

/** How far a session that is still open has certainly come. */
export interface Standing {
  readonly to: Position;
  /** Whether nothing behind `to` was written yet; false where that is not known. */
  readonly isExact: boolean;
}

export interface SessionLook {
  readonly history: SessionHistory;
  /** Null for one that is closed, or of which nothing is known. */
  readonly standing: Standing | null;
}

/** What Redis has of an event in a durable group. */
export interface GroupLook {
  readonly group: string;
  /** Whether the group's own filter and grant keep the event; null where its grant is not known. */
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

/** Everything that an explanation is computed from. More than eight members: one of each input of delivery. */
export interface Look {
  readonly search: Search;
  /** The account of the event now; null where the directory lacks it. */
  readonly account: Account | null;
  /** Whether the resource offers it; null where what it offers has changed since. */
  readonly isOffered: boolean | null;
  /** Whether the account is where it was when the event passed. */
  readonly isTreeKnown: boolean;
  /** The account that the question is about; null where a session or token is named that nobody knows. */
  readonly loginAccount: string | null;
  /** Whether user and account exist and are enabled now; null where that is not known. */
  readonly isUserEnabled: boolean | null;
  /** The sessions that the question is about, in the order of their beginnings. */
  readonly sessions: readonly SessionLook[];
  /** Null where the question is not about a group. */
  readonly group: GroupLook | null;
}
