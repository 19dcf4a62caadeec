import { setTimeout as delay } from 'node:timers/promises';
import type { Position } from '../../protocol/position.ts';
import type { ProblemCode } from '../../protocol/problem-code.ts';
import { LogUnavailable } from '../../event-log/event-log.ts';
import type { LogWindow } from '../../event-log/log-window.ts';
import type { Grant } from '../auth/grant.ts';
import { CALLS_DISABLED, CALLS_UNAVAILABLE, type Calls } from '../calls/calls.ts';
import { CallsUnavailable, type Snapshot } from '../calls/snapshot.ts';
import type { Fanout } from '../fanout/fanout.ts';
import type { Problem } from '../http/problem.ts';
import { judgeStart, type JudgedStart } from './judge-start.ts';
import type { UpgradePlan } from './plan-upgrade.ts';
import { hasReached } from './recover.ts';

/** Decides where a session begins: at a position of the log, or with the live calls and a report of earlier losses. */
export type SessionStart = JudgedStart | { readonly snapshot: Snapshot; readonly gap: JudgedStart['gap'] };

export interface BeginOptions {
  readonly fanout: Fanout;
  readonly window: LogWindow;
  /** Null where the resource keeps no table of live calls. */
  readonly calls: Calls | null;
}

type Begun = { readonly start: SessionStart | null } | { readonly problem: Problem };

/** Largest age of the oldest cursor in a greeting. */
const OLDEST_MAX_AGE_MS = 5_000;
/**
 * Largest age of the log's state that decides a resume; before a refusal it is read again. The end of a bounded replay
 * is never older: it would miss what was appended since.
 */
const LOOK_MAX_AGE_MS = 200;
/** How long a replica may take to read as far as another one has. */
const CATCH_UP_MS = 2_000;
const CATCH_UP_POLL_MS = 10;

/** Where the connection begins, or why it cannot: decided before the upgrade, as far as it is known then. */
export async function begin(options: BeginOptions, plan: UpgradePlan, grant: Grant): Promise<Begun> {
  const { window, calls } = options;
  const { start, snapshot, onGap } = plan.replay;
  if (snapshot || onGap === 'snapshot') {
    const problem = calls === null ? { status: 400, ...CALLS_DISABLED } : calls.judge(grant);
    if (problem !== null) return { problem };
  }
  try {
    // The control contract reports the oldest possible position.
    if (start.kind === 'live' && plan.contract === 'control') await window.state(OLDEST_MAX_AGE_MS);
    if (start.kind === 'live') return snapshot ? await withSnapshot(options, grant, null) : { start: null };
    const replay = { ...plan.replay, start };
    const { cursors } = window;
    const maxAgeMs = replay.until === null ? LOOK_MAX_AGE_MS : 0;
    let verdict = judgeStart(replay, { state: await window.state(maxAgeMs), cursors });
    if (!('start' in verdict)) verdict = judgeStart(replay, { state: await window.state(0), cursors });
    if ('problem' in verdict) return verdict;
    if ('lost' in verdict) return await withSnapshot(options, grant, verdict.lost);
    return (await isReached(options, verdict.start.from)) ? verdict : BEHIND;
  } catch (error) {
    if (error instanceof CallsUnavailable) return { problem: CALLS_UNAVAILABLE };
    if (!(error instanceof LogUnavailable)) throw error;
    return { problem: notNow('log_unavailable', 'The event log is out of reach: try again.') };
  }
}

async function withSnapshot(options: BeginOptions, grant: Grant, gap: JudgedStart['gap']): Promise<Begun> {
  const { calls } = options;
  if (calls === null) return { problem: CALLS_UNAVAILABLE };
  const snapshot = await calls.take(grant, null);
  return (await isReached(options, snapshot.position)) ? { start: { snapshot, gap } } : BEHIND;
}

async function isReached({ fanout }: BeginOptions, position: Position): Promise<boolean> {
  const waitUntil = performance.now() + CATCH_UP_MS;
  while (!hasReached(fanout, position) && performance.now() < waitUntil) await delay(CATCH_UP_POLL_MS);
  return hasReached(fanout, position);
}

const BEHIND = { problem: notNow('replica_behind', 'This replica has not read so far yet: try again.') };

export function notNow(code: ProblemCode, detail: string): Problem {
  return { status: 503, code, detail, headers: { 'Retry-After': '2' } };
}
