import { setTimeout as delay } from 'node:timers/promises';
import type { Call, CallRecord } from '../../protocol/call.ts';
import type { Position } from '../../protocol/position.ts';
import type { Grant } from '../auth/grant.ts';
import type { LiveDirectory } from '../directory/directory.ts';
import type { Problem } from '../http/problem.ts';
import type { Live } from '../../runtime/lifecycle/live.ts';
import type { Scope } from '../subscription/scope.ts';
import { givenEvents, missingEvents, wantedBy } from './call-scope.ts';
import { createLooks } from './looks.ts';
import { createPace, type Turn } from './pace.ts';
import { reconcile, type Reconciled, type ReconcileParts, type SwitchList } from './reconcile.ts';
import { shownTo } from './shown-call.ts';
import { readSnapshot, type Snapshot, type SnapshotSource } from './snapshot.ts';

/** The live calls, for sessions and for the HTTP route. */
export interface Calls {
  /** Why a grant gets no snapshot at all; null when it gets one. */
  judge(grant: Grant): Needs | null;
  /** A leg as a grant shows it by the present tree; null when hidden. Call again before each turn: accounts move. */
  shown(grant: Grant): (record: CallRecord) => Call | null;
  /** The turn to write calls. */
  readonly turn: Turn;
  /** The legs of a grant, at `atLeast` or later if given. Rejects with CallsUnavailable. */
  take(grant: Grant, atLeast: Position | null): Promise<Snapshot>;
  /** Ends the legs that switches no longer have. Rejects with CallsUnavailable. */
  reconcile(lists: readonly SwitchList[], mayEnd: (account: string) => boolean): Promise<Reconciled>;
}

type Needs = Problem & { readonly code: 'snapshot_needs_events' };

export interface CallsOptions {
  readonly source: SnapshotSource;
  readonly ending: ReconcileParts;
  readonly directory: LiveDirectory;
  readonly scope: Live<Scope>;
  /** Called for each requested snapshot. */
  readonly onAsked: (outcome: 'taken' | 'unavailable') => void;
}

export function createCalls({ source, ending, directory, scope, onAsked }: CallsOptions): Calls {
  const looks = createLooks(performance.now.bind(performance));
  let version = 0;
  directory.onChange(() => (version += 1));
  scope.onChange(() => (version += 1));
  const wanted = (grant: Grant) => wantedBy(grant, directory.current, scope.current);
  return {
    judge(grant) {
      const missing = missingEvents(grant, scope.current);
      return missing.length === 0 ? null : needsEvents(missing);
    },
    shown(grant) {
      const { includes } = wanted(grant);
      const callOf = shownTo(givenEvents(grant, scope.current));
      return (record) => (includes(record.account_id) ? callOf(record) : null);
    },
    turn: createPace(),
    reconcile: (lists, mayEnd) => reconcile(ending, lists, { mayEnd, now: Date.now, pause: delay }),
    async take(grant, atLeast) {
      const key = JSON.stringify([version, grant.account, grant.accounts?.toSorted(byText) ?? null]);
      try {
        const snapshot = await looks.take(atLeast === null ? key : null, () =>
          readSnapshot(source, wanted(grant), atLeast),
        );
        onAsked('taken');
        return snapshot;
      } catch (error) {
        onAsked('unavailable');
        throw error;
      }
    },
  };
}

function byText(one: string, other: string): number {
  return one < other ? -1 : 1;
}

function needsEvents(missing: readonly string[]): Needs {
  return {
    status: 403,
    code: 'snapshot_needs_events',
    detail: `A snapshot shows what these events say, and this login or this resource leaves them out: ${missing.join(', ')}.`,
    extra: { events: missing },
  };
}

/** For a resource that keeps no table of live calls. */
export const CALLS_DISABLED = {
  code: 'calls_disabled',
  detail: 'This resource keeps no table of live calls: spec.calls.enabled is false.',
} as const;

export const CALLS_UNAVAILABLE = {
  status: 503,
  code: 'calls_unavailable',
  detail: 'The table of live calls is being made, or is behind the events: try again.',
  headers: { 'Retry-After': '2' },
} as const satisfies Problem;
