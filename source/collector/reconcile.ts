import type { MappedEvent, Synthetic } from '../mapper.ts';
import type { LegInLog } from './legs-in-log.ts';

export interface ReconcileFacts {
  /** Changes that the listing made in this replica's mapper. */
  readonly adopted: readonly MappedEvent[];
  /** Legs that the log has begun and not ended. */
  readonly inLog: ReadonlyMap<string, LegInLog>;
  /** Call-IDs of legs that exist, or that have a waiting event here. */
  readonly alive: ReadonlySet<string>;
  /** Time of the listing, Unix milliseconds. */
  readonly at: number;
  readonly synthetic: Synthetic;
}

/**
 * Decides what a listing changes in the log. It may be less than in a mapper that began without legs, because the log
 * may have begun a leg already. It may be more, because such a mapper knows nothing of a leg that has ended. Pure.
 */
export function reconcile({ adopted, inLog, alive, at, synthetic }: ReconcileFacts): readonly MappedEvent[] {
  const ends = [...inLog]
    .filter(([callId]) => !alive.has(callId))
    .map(([callId, leg]) => endOf(callId, leg, { at, synthetic }));
  const news = adopted.filter(({ name, callId }) => {
    const leg = inLog.get(callId);
    if (leg === undefined) return true;
    return name !== 'CHANNEL_CREATE' && (name !== 'CHANNEL_ANSWER' || !leg.isAnswered);
  });
  return [...ends, ...news];
}

/** Seconds from the year 0 to 1970, as in a mapper's Timestamp. */
const GREGORIAN_OFFSET = 62_167_219_200;
const CREATE_END = /CREATE$/;

/** Data from its CREATE, in the form of a mapper's synthetic DESTROY. */
function endOf(
  callId: string,
  { create }: LegInLog,
  { at, synthetic }: { at: number; synthetic: Synthetic },
): MappedEvent {
  const { 'Firehose-Synthetic': _, ...body } = JSON.parse(create.json) as Record<string, unknown>;
  const name = 'CHANNEL_DESTROY';
  const json = JSON.stringify({
    ...body,
    'Event-Name': name,
    'Msg-ID': String(at * 1_000),
    Timestamp: Math.floor(at / 1_000) + GREGORIAN_OFFSET,
    'Channel-State': undefined,
    'Channel-Call-State': 'HANGUP',
    'Channel-Answer-State': 'hangup',
    'Hangup-Cause': synthetic === 'switch_restarted' ? 'CRASH' : 'NONE',
    'Firehose-Synthetic': synthetic,
  });
  const eventId = create.eventId.replace(CREATE_END, 'DESTROY');
  return { name, account: create.account, callId, eventId, position: '', at, json, synthetic };
}
