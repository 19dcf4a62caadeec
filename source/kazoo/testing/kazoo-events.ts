import type { SwitchEvent } from '../../mapper.ts';

/** A message of Kazoo's bus, as ecallmgr publishes it. */
export interface KazooPublish {
  readonly key: string;
  readonly body: Buffer;
}

export const FIRST_MSG_ID = 1_763_979_370_000_000;

/** One event of a leg. The account is the leg's unless it is empty. `n` makes each body different. */
export function kazooEvent(name: string, callId: string, n: number, more: SwitchEvent = {}): KazooPublish {
  const { account = 'acme', ...fields } = more;
  const event = {
    'Event-Category': 'call_event',
    'Event-Name': name,
    'Call-ID': callId,
    'Msg-ID': String(FIRST_MSG_ID + n),
    Node: 'ecallmgr@zone.example.com',
    'Custom-Channel-Vars': { ...(account !== '' && { 'Account-ID': account }), 'Ecallmgr-Node': 'ecallmgr@zone' },
    ...fields,
  };
  return { key: `call.${name}.${callId.replaceAll('.', '%2E')}`, body: Buffer.from(JSON.stringify(event)) };
}

const NAMES = [
  'CHANNEL_CREATE',
  'CHANNEL_PROGRESS',
  'CHANNEL_ANSWER',
  'CHANNEL_BRIDGE',
  'CHANNEL_HOLD',
  'CHANNEL_UNHOLD',
  'DTMF',
  'CHANNEL_UNBRIDGE',
  'CHANNEL_DESTROY',
  'PARK_ABANDONED',
] as const;

/** Whole legs of ten events each, interleaved; the Msg-ID contains the number of each event. */
export function kazooCalls(legs: number, name = 'leg'): readonly KazooPublish[] {
  const at = (index: number) => {
    const [leg, step] = [Math.floor(index / 40) * 4 + (index % 4), Math.floor((index % 40) / 4)];
    return kazooEvent(NAMES[step] ?? 'DTMF', `${name}.${leg}@zone`, index);
  };
  return Array.from({ length: legs * NAMES.length }, (_, index) => at(index));
}
