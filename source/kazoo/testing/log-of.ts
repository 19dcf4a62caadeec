import { FIRST_MSG_ID } from './kazoo-events.ts';
import { decodeMeta } from '../../../protocol/entry.ts';
import { SOURCE_GAP, decodeSourceGap, type SourceGap } from '../../../protocol/source-gap.ts';
import type { EventLog } from '../../../event-log/event-log.ts';

/** An entry of the log in the form that tests compare. */
export interface Logged {
  readonly partition: number;
  readonly name: string;
  readonly account: string;
  readonly callId: string;
  /** From the bodies that `kazooEvent` makes. */
  readonly n: number;
  readonly gap: SourceGap | null;
  readonly json: string;
}

/** All entries, partition by partition. */
export async function logged(eventLog: EventLog): Promise<readonly Logged[]> {
  const found: Logged[] = [];
  for (let partition = 0; partition < eventLog.partitions; partition += 1) {
    for (let after = '0-0'; ;) {
      const page = await eventLog.range(partition, after, 1_000);
      for (const { id, meta, data } of page) {
        after = id;
        const { name = '', account = '' } = decodeMeta(meta) ?? {};
        const json = data.toString();
        const event = JSON.parse(json) as Record<string, unknown>;
        const gap = name === SOURCE_GAP ? decodeSourceGap(json) : null;
        const n = Number(event['Msg-ID']) - FIRST_MSG_ID;
        found.push({ partition, name, account, callId: String(event['Call-ID']), n, gap, json });
      }
      if (page.length === 0) break;
    }
  }
  return found;
}

export async function loggedEvents(eventLog: EventLog): Promise<readonly Logged[]> {
  return (await logged(eventLog)).filter(({ name }) => name !== SOURCE_GAP);
}

export async function loggedGaps(eventLog: EventLog): Promise<readonly SourceGap[]> {
  return (await logged(eventLog)).flatMap(({ gap }) => gap ?? []);
}
