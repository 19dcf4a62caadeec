import { META_KEY } from '../../../../protocol/event-meta.ts';
import { object, parsed, text, type Json } from '../base/read.ts';

/** What a line about an event shows. */
export interface EventRow {
  readonly id: string;
  readonly cursor: string;
  readonly name: string;
  readonly account: string | null;
  readonly accountName: string | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly state: string | null;
  readonly call: string | null;
  readonly interaction: string | null;
  readonly at: string | null;
}

/** Reads the text of an event. Pure. */
export function eventRow(message: string): EventRow {
  return rowOf(parsed(message));
}

/** Pure. */
export function rowOf(event: Json): EventRow {
  const meta = object(event[META_KEY]);
  const variables = object(event['Custom-Channel-Vars']);
  return {
    id: text(meta['id']) ?? '',
    cursor: text(meta['cursor']) ?? '',
    name: text(event['Event-Name']) ?? '(no name)',
    account: text(meta['account_id']),
    accountName: text(variables['Account-Name']),
    from: text(event['Caller-ID-Number']) ?? text(event['From']),
    to:
      text(event['Callee-ID-Number']) ??
      text(event['Caller-Destination-Number']) ??
      text(event['To']) ??
      text(event['Request']),
    state: stateOf(event),
    call: text(event['Call-ID']),
    interaction: text(variables['Call-Interaction-ID']) ?? text(event['Call-Interaction-ID']),
    at: text(meta['ingested_at']),
  };
}

function stateOf(event: Json): string | null {
  const detail = ['Hangup-Cause', 'DTMF-Digit', 'Parking-Slot'].map((field) => text(event[field]));
  return detail.find((found) => found !== null) ?? text(event['Channel-Call-State']) ?? text(event['Channel-State']);
}

export type EventTone = 'fresh' | 'good' | 'busy' | 'bad' | 'dim' | 'plain';

const TONES: Readonly<Record<string, EventTone>> = {
  CHANNEL_CREATE: 'fresh',
  CHANNEL_PROGRESS: 'fresh',
  CHANNEL_PROGRESS_MEDIA: 'fresh',
  CHANNEL_ANSWER: 'good',
  CHANNEL_BRIDGE: 'good',
  CHANNEL_HOLD: 'busy',
  PARK_PARKED: 'busy',
  CHANNEL_DESTROY: 'dim',
  CHANNEL_DISCONNECTED: 'bad',
};
const ORDINARY_ENDS = new Set(['NORMAL_CLEARING', 'ORIGINATOR_CANCEL']);

/** How an event stands out. Pure. */
export function toneOf({ name, state }: Pick<EventRow, 'name' | 'state'>): EventTone {
  if (name === 'CHANNEL_DESTROY' && state !== null && /^[A-Z_]+$/.test(state) && !ORDINARY_ENDS.has(state)) {
    return state === 'HANGUP' ? 'dim' : 'bad';
  }
  return TONES[name] ?? 'plain';
}
