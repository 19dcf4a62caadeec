import type { ListedLeg, SwitchEvent } from '../mapper.ts';
import { text, wholeNumber } from '../legs/event-body.ts';

const UP: ReadonlySet<string> = new Set(['ACTIVE', 'HELD', 'UNHELD']);

/**
 * The legs in `show channels as json`. `dumps` holds `uuid_dump <uuid> json` of some of them: only that has channel
 * variables, and with them the account. `core` is the switch's Core-UUID.
 */
export function readChannels(answer: unknown, core: string, dumps: ReadonlyMap<string, SwitchEvent>): ListedLeg[] {
  const rows = isRecord(answer) && Array.isArray(answer['rows']) ? (answer['rows'] as unknown[]) : [];
  return rows.flatMap((row) => {
    const id = isRecord(row) ? text(row['uuid']) : '';
    return id === '' || !isRecord(row) ? [] : [{ id, event: { ...eventOf(row, core), ...dumps.get(id) } }];
  });
}

/** Converts a row to the form of an event: a row has present values, as an event has. */
function eventOf(row: SwitchEvent, core: string): SwitchEvent {
  const state = text(row['callstate']);
  const created = wholeNumber(row['created_epoch']);
  return {
    'Event-Name': 'CHANNEL_DATA',
    'Core-UUID': core,
    'FreeSWITCH-Switchname': text(row['hostname']),
    'Unique-ID': text(row['uuid']),
    'Call-Direction': text(row['direction']),
    'Channel-Name': text(row['name']),
    'Channel-State': text(row['state']),
    'Channel-Call-State': state,
    'Channel-Call-UUID': text(row['call_uuid']),
    'Answer-State': UP.has(state) ? 'answered' : state === 'EARLY' ? 'early' : 'ringing',
    'Caller-Caller-ID-Name': text(row['cid_name']),
    'Caller-Caller-ID-Number': text(row['cid_num']),
    'Caller-Callee-ID-Name': text(row['callee_name']),
    'Caller-Callee-ID-Number': text(row['callee_num']),
    'Caller-Destination-Number': text(row['dest']),
    'Caller-Context': text(row['context']),
    'Caller-Channel-Created-Time': created === undefined ? '' : String(created * 1_000_000),
    variable_accountcode: text(row['accountcode']),
    variable_presence_id: text(row['presence_id']),
  };
}

function isRecord(value: unknown): value is SwitchEvent {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
