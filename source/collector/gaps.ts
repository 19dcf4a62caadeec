import type { RedisClient } from '../../runtime/redis/client.ts';
import type { sourceKeys } from '../../protocol/keys.ts';
import {
  decodeSourceGap,
  encodeSourceGap,
  SOURCE_GAP,
  sourceGapId,
  type SourceGap,
} from '../../protocol/source-gap.ts';
import type { MappedEvent } from '../mapper.ts';

/** The gap as an entry of the log. The source's name as Call-ID chooses the partition. */
export function gapEvent(gap: SourceGap): MappedEvent {
  return {
    name: SOURCE_GAP,
    account: '',
    callId: gap.source,
    eventId: sourceGapId(gap),
    position: '',
    at: gap.to,
    json: encodeSourceGap(gap),
    synthetic: null,
  };
}

/** The gap in an entry; null when the entry is not a gap. */
export function gapOf({ name, json }: Pick<MappedEvent, 'name' | 'json'>): SourceGap | null {
  return name === SOURCE_GAP ? decodeSourceGap(json) : null;
}

/** The gaps of one endpoint in Redis. Each call rejects with the client's error. */
export interface GapStore {
  /** Gaps that were found and may not be in the log yet. In order. */
  pending(): Promise<readonly SourceGap[]>;
  /**
   * Stores a gap before it is appended: it survives a leader that dies in between. The first record of a gap counts.
   */
  found(gap: SourceGap): Promise<void>;
  /** Removes a gap that the log has. */
  told(gap: SourceGap): Promise<void>;
  /** Removes gaps before the endpoint's announced position: no other leader searches for them. */
  passed(gaps: readonly SourceGap[]): Promise<void>;
}

export function gapStore(client: RedisClient, { gaps }: ReturnType<typeof sourceKeys>, endpoint: string): GapStore {
  const fieldOf = ({ from }: SourceGap) => `${endpoint}/${from}`;
  return {
    async pending() {
      const all = await client.hgetall(gaps);
      const own = Object.entries(all).filter(([field]) => field.startsWith(`${endpoint}/`));
      return own.flatMap(([, text]) => decodeSourceGap(text) ?? []).toSorted((one, other) => one.from - other.from);
    },
    async found(gap) {
      await client.hsetnx(gaps, fieldOf(gap), encodeSourceGap(gap));
    },
    async told(gap) {
      await client.hset(gaps, endpoint, encodeSourceGap(gap));
    },
    async passed(told) {
      if (told.length > 0) await client.hdel(gaps, ...told.map(fieldOf));
    },
  };
}
