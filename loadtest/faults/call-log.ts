import { reduceCall } from '../../protocol/call-state.ts';
import { callOf, legKey, type Call, type CallRecord } from '../../protocol/call.ts';
import { decodeMeta } from '../../protocol/entry.ts';
import { streamKeys } from '../../protocol/keys.ts';
import { splitId } from '../../protocol/position.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';

/** An entry of the log, as it is in Redis. */
interface LoggedEvent {
  readonly id: string;
  readonly eventId: string;
  readonly name: string;
  readonly account: string;
  readonly callId: string;
  readonly data: string;
}

const PAGE = 1_000;

/** A whole partition, read directly from Redis. */
export async function readPartition(client: RedisClient, partition: number): Promise<LoggedEvent[]> {
  const found: LoggedEvent[] = [];
  const { events } = streamKeys('firehose:', partition);
  for (let after = '-'; ;) {
    const page = (await client.call('xrange', events, after, '+', 'COUNT', PAGE)) as [id: string, fields: string[]][];
    for (const [id, [, line = '', , data = '']] of page) {
      const meta = decodeMeta(line);
      if (meta !== null) found.push({ ...meta, id, data });
    }
    if (page.length < PAGE) return found;
    after = `(${page.at(-1)?.[0] ?? ''}`;
  }
}

/** Position of a snapshot: for each partition, the id of the first event after it; undefined for none. */
export type FirstAfter = readonly (string | undefined)[];

/**
 * The result of a plain reduction of a partition before the first event after each snapshot, in the order of `asked`.
 */
export function callsBefore(
  events: readonly LoggedEvent[],
  asked: readonly (string | undefined)[],
): readonly (readonly Call[])[] {
  const places = Map.groupBy(asked.keys(), (at) => asked[at]);
  const found = asked.map((): readonly Call[] => []);
  const legs = new Map<string, CallRecord>();
  const ended = new Set<string>();
  const give = (ats: readonly number[] | undefined) => {
    if (ats === undefined) return;
    const calls = [...legs.values()].map(callOf);
    for (const at of ats) found[at] = calls;
  };
  for (const event of events) {
    give(places.get(event.eventId));
    const key = legKey(event);
    if (ended.has(key)) continue;
    const fields = JSON.parse(event.data) as Record<string, unknown>;
    const after = reduceCall(legs.get(key), { ...event, at: splitId(event.id)[0], fields });
    if (after === null) legs.delete(key);
    else if (after !== undefined) legs.set(key, after);
    if (isSynthetic(event)) ended.add(key);
  }
  give(places.get(undefined));
  return found;
}

/** The synthetic end: later events of the switch do not revive the leg. */
function isSynthetic({ name, data }: LoggedEvent): boolean {
  return name === 'CHANNEL_DESTROY' && data.includes('"App-Name":"firehose"');
}

/** Legs that have two ends. */
export function endedTwice(events: readonly LoggedEvent[]): number {
  const ends = Map.groupBy(
    events.filter(({ name }) => name === 'CHANNEL_DESTROY'),
    legKey,
  );
  return [...ends.values()].filter(({ length }) => length > 1).length;
}
