import { isDeepStrictEqual } from 'node:util';
import type { Call } from '../../protocol/call.ts';
import { partitionOf } from '../../protocol/partition.ts';
import { firstAfter, type Taken } from './call-client.ts';
import { callsBefore, readPartition } from './call-log.ts';
import type { SpokenEvent } from './call-voice.ts';
import type { CallWorld } from './call-world.ts';
import type { Replica } from './replica.ts';

/** LC1: snapshots that differ from a plain reduction of the log at their cursor. Each ledger is the whole log. */
export async function judgeSnapshots(world: CallWorld, replica: Replica, taken: readonly Taken[]): Promise<string[]> {
  const { client, token, partitions } = world;
  // Not an event of an existing leg: so the first event after each snapshot is known in every partition.
  await world.voice.say(lastWords(world));
  const places = [];
  for (const { cursor } of taken) places.push(await firstAfter(replica, token, { cursor, partitions }));
  if (places.flat().includes(undefined)) return ['a client that goes on from a snapshot gets no event of a partition'];
  const expected = taken.map((): Call[] => []);
  for (let partition = 0; partition < partitions; partition += 1) {
    const asked = places.map((place) => place[partition]);
    const parts = callsBefore(await readPartition(client, partition), asked);
    for (const [at, calls] of parts.entries()) expected[at]?.push(...calls);
  }
  const wrong = taken.filter(({ calls }, at) => !isDeepStrictEqual(byLeg(calls), byLeg(expected[at] ?? [])));
  return wrong.length === 0 ? [] : [`${wrong.length} of ${taken.length} snapshots are not what the log says`];
}

const byLeg = (calls: readonly Call[]) => new Map(calls.map((call) => [`${call.account_id}\t${call.call_id}`, call]));

function lastWords({ accounts, partitions }: CallWorld): SpokenEvent[] {
  const account = accounts[0] ?? '';
  return Array.from({ length: partitions }, (_, partition) => {
    for (let n = 0; ; n += 1) {
      const callId = `last-word-${n}`;
      if (partitionOf({ account, callId }, partitions) === partition) return legEvent(account, callId, 'DTMF');
    }
  });
}

/** An event of a leg. */
export function legEvent(account: string, callId: string, name: string): SpokenEvent {
  const event = {
    'Event-Category': 'call_event',
    'Event-Name': name,
    'Call-ID': callId,
    'Custom-Channel-Vars': { 'Account-ID': account },
  };
  return { account, id: `${callId}.${name.toLowerCase()}`, event };
}
