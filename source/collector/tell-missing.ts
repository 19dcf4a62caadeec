import type { SourceGap } from '../../protocol/source-gap.ts';
import type { MappedEvent } from '../mapper.ts';
import { gapEvent, type GapStore } from './gaps.ts';
import type { Hearing } from './hearing.ts';
import type { LegInLog, LegsInLog } from './legs-in-log.ts';
import type { Position } from './position.ts';
import { reconcile } from './reconcile.ts';
import type { RedisClock } from './redis-clock.ts';
import { ranBetween, type Reports } from './reports.ts';
import { judgeTakeover, type Verdict } from './takeover.ts';
import type { Segment, Tape } from './tape.ts';

/** More than eight members: what a new leader needs for its verdict, and where it writes it. */
export interface TellMissing {
  readonly hearing: Pick<Hearing, 'tape' | 'liveLegs'>;
  readonly source: string;
  readonly endpoint: string;
  readonly position: Position | null;
  readonly clock: RedisClock;
  readonly gaps: GapStore;
  readonly legs: Pick<LegsInLog, 'read'>;
  readonly reports: Pick<Reports, 'siblings'>;
  readonly startedAt: number;
  readonly turnMs: number;
}

/**
 * A new leader finds the times without any listener, and publishes gaps and the listing's changes before its own
 * events. It stores a gap before it appends it: the next leader appends it if this one dies. Rejects with the client's
 * error; the next call judges again.
 */
export async function tellWhatIsMissing(given: TellMissing): Promise<void> {
  const { hearing, position, clock, gaps } = given;
  const { tape } = hearing;
  const pending = await gaps.pending();
  const segments = [...tape.segments];
  for (const segment of segments) segment.beganAt ??= clock.latest(segment.from);
  const verdicts = judgeTakeover({ segments, position, pending, clock });
  const isPast = ({ to }: SourceGap) => position !== null && to <= position.until;
  let before = pending.filter((gap) => !isPast(gap)).map(gapEvent);
  const isComplete = verdicts.every(({ kind }, index) => kind === 'continues' && segments[index]?.isKept !== true);
  let inLog: ReadonlyMap<string, LegInLog> = isComplete ? new Map() : await given.legs.read();
  for (const [index, segment] of segments.entries()) {
    const verdict = verdicts[index] ?? { kind: 'continues' };
    if (inLog.size > 0) tape.dropKnown(segment, (event) => isBegun(event, inLog));
    if (verdict.kind === 'continues' && before.length === 0) tape.join(segment);
    else {
      const told = await tellOf(segment, verdict, inLog, given);
      tape.tellGap(segment, [...before, ...told.gap], told.adopted);
    }
    before = [];
    // The mapper reports the changes of a later listing, because it knew the legs by then.
    if (verdict.kind !== 'continues') inLog = new Map();
  }
}

/**
 * A mapper that did not know a leg began it again. The log may have begun it so long ago that it no longer recognises
 * the id.
 */
function isBegun({ name, callId }: MappedEvent, inLog: ReadonlyMap<string, LegInLog>): boolean {
  const leg = inLog.get(callId);
  if (leg === undefined) return false;
  return name === 'CHANNEL_CREATE' || (name === 'CHANNEL_ANSWER' && leg.isAnswered);
}

async function tellOf(
  segment: Segment,
  verdict: Verdict,
  inLog: ReadonlyMap<string, LegInLog>,
  { hearing, source, endpoint, clock, gaps, reports, startedAt, turnMs }: TellMissing,
): Promise<{ readonly gap: readonly MappedEvent[]; readonly adopted: readonly MappedEvent[] }> {
  if (verdict.kind === 'continues') return { gap: [], adopted: [] };
  const restarted = verdict.kind === 'uncovered' && verdict.restarted;
  const adopted = reconcile({
    adopted: segment.adopted.map(({ event }) => event),
    inLog,
    alive: aliveIn(hearing.tape, hearing.liveLegs),
    at: segment.from,
    synthetic: restarted ? 'switch_restarted' : 'missed',
  });
  if (verdict.kind === 'first' || verdict.gap === null) return { gap: [], adopted };
  const { from, to } = verdict.gap;
  const began = clock.ours(from) ?? from;
  const ran = startedAt <= began || ranBetween(await reports.siblings(), { from: began, startedAt, turnMs });
  const reason = restarted ? 'switch_restarted' : ran ? 'connection_lost' : 'not_started';
  const count = (name: string) => adopted.filter((event) => event.name === name && event.synthetic !== null).length;
  const gap = {
    source,
    endpoint,
    reason,
    from,
    to,
    legs_ended: count('CHANNEL_DESTROY'),
    legs_begun: count('CHANNEL_CREATE'),
  } as const;
  await gaps.found(gap);
  return { gap: [gapEvent(gap)], adopted };
}

/**
 * After events were given up, ends the legs of the log that no longer exist and have no waiting event here (S3).
 * Rejects with the client's error.
 */
export async function endLostLegs(
  { tape, liveLegs }: Pick<Hearing, 'tape' | 'liveLegs'>,
  legs: Pick<LegsInLog, 'read'>,
  at: number,
): Promise<void> {
  const inLog = await legs.read();
  const [first] = tape.segments;
  if (first === undefined) return;
  const ends = reconcile({ adopted: [], inLog, alive: aliveIn(tape, liveLegs), at, synthetic: 'missed' });
  if (ends.length > 0) tape.tellGap(first, [], ends);
}

/** Legs that exist, and legs with waiting events: their DESTROY is among those. */
function aliveIn(tape: Tape, liveLegs: readonly string[]): ReadonlySet<string> {
  const alive = new Set(liveLegs);
  for (const { adopted, queue } of tape.segments) {
    for (const { event } of adopted) alive.add(event.callId);
    for (const { event } of queue) alive.add(event.callId);
  }
  return alive;
}
