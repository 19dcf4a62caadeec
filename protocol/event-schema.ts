import { NAMED_EVENTS } from './catalogue.ts';
import { SYNTHETIC_FIELD } from './synthetic.ts';

type JsonType = 'string' | 'number' | 'boolean' | 'object' | 'array';

export interface EventField {
  readonly type: JsonType | readonly JsonType[];
  readonly meaning: string;
  /** The events with this field; default: every event. */
  readonly on?: readonly string[];
}

/** Durations and counts are numbers or strings of digits, depending on the version of the switch. */
const COUNT = ['number', 'string'] as const;
/** Some publishers write true and false as strings. */
const FLAG = ['boolean', 'string'] as const;
const ADDRESSED = [
  'CHANNEL_CREATE',
  'CHANNEL_ANSWER',
  'CHANNEL_DESTROY',
  'CHANNEL_PROGRESS',
  'CHANNEL_PROGRESS_MEDIA',
  'RECORD_STOP',
];
const ENDED = ['CHANNEL_DESTROY', 'CALL_END_CORRECTED'];
const PARKED = ['PARK_PARKED', 'PARK_RETRIEVED', 'PARK_ABANDONED'];

/**
 * Fields of a call event. Events are open: other fields may occur, and only `Event-Name` is always present. Sources:
 * kapi_call of 2600hz/kazoo 4.3, and the mappings of this project.
 */
export const EVENT_FIELDS: Readonly<Record<string, EventField>> = {
  'Event-Category': { type: 'string', meaning: 'call_event' },
  'Event-Name': { type: 'string', meaning: 'What happened' },
  'App-Name': { type: 'string', meaning: 'The publisher: freeswitch, asterisk, ecallmgr, callflow' },
  'App-Version': { type: 'string', meaning: 'Its version' },
  'Msg-ID': { type: 'string', meaning: 'Unix microseconds of the switch event; of an application event opaque' },
  'Call-ID': { type: 'string', meaning: 'The leg' },
  Timestamp: { type: COUNT, meaning: 'Gregorian seconds: Unix time plus 62,167,219,200' },
  Node: { type: 'string', meaning: 'The publisher and its host' },
  'Call-Direction': { type: 'string', meaning: 'inbound or outbound, seen from the switch' },
  'Caller-ID-Number': { type: 'string', meaning: 'Number of the caller' },
  'Caller-ID-Name': { type: 'string', meaning: 'Name of the caller' },
  'Callee-ID-Number': { type: 'string', meaning: 'Number of the callee' },
  'Callee-ID-Name': { type: 'string', meaning: 'Name of the callee' },
  'Caller-Destination-Number': { type: 'string', meaning: 'The dialled number' },
  From: { type: 'string', meaning: 'user@realm, a port may follow', on: ADDRESSED },
  To: { type: 'string', meaning: 'user@realm', on: ADDRESSED },
  Request: { type: 'string', meaning: 'user@realm of the SIP request', on: ADDRESSED },
  'From-Tag': { type: 'string', meaning: 'SIP tag of the caller' },
  'To-Tag': { type: 'string', meaning: 'SIP tag of the callee' },
  'Presence-ID': { type: 'string', meaning: 'user@realm whose presence the leg changes' },
  'Channel-State': { type: 'string', meaning: 'State of the channel, as EXECUTE' },
  'Channel-Call-State': { type: 'string', meaning: 'DOWN, RINGING, EARLY, ACTIVE, HELD or HANGUP' },
  'Channel-Answer-State': { type: 'string', meaning: 'ringing, early, answered or hangup' },
  'Channel-Name': { type: 'string', meaning: 'Name of the channel in the switch' },
  'Channel-Created-Time': { type: COUNT, meaning: 'When the leg began: Unix microseconds' },
  'Channel-Is-Loopback': { type: FLAG, meaning: 'Whether the leg is inside of the switch' },
  'Channel-Loopback-Leg': { type: 'string', meaning: 'A or B' },
  'Channel-Loopback-Other-Leg-ID': { type: 'string', meaning: 'Call-ID of its other end' },
  'Other-Leg-Call-ID': { type: 'string', meaning: 'Call-ID of the peer leg' },
  'Other-Leg-Direction': { type: 'string', meaning: 'Direction of the peer leg' },
  'Other-Leg-Caller-ID-Number': { type: 'string', meaning: 'Number of the caller of the peer leg' },
  'Other-Leg-Caller-ID-Name': { type: 'string', meaning: 'Name of the caller of the peer leg' },
  'Other-Leg-Destination-Number': { type: 'string', meaning: 'The number that the peer leg dialled' },
  'Bridge-B-Unique-ID': {
    type: 'string',
    meaning: 'Call-ID of the second leg',
    on: ['CHANNEL_BRIDGE', 'CHANNEL_UNBRIDGE'],
  },
  'Hangup-Cause': { type: 'string', meaning: 'Q.850 name, as NORMAL_CLEARING', on: ENDED },
  'Hangup-Code': { type: 'string', meaning: 'SIP status, as sip:486', on: ENDED },
  'Bridge-Hangup-Cause': { type: 'string', meaning: 'Why the bridge ended', on: ENDED },
  Disposition: { type: 'string', meaning: 'Outcome of the originate, as ANSWER', on: ENDED },
  'Duration-Seconds': { type: COUNT, meaning: 'From the beginning to the end', on: ENDED },
  'Billing-Seconds': { type: COUNT, meaning: 'From the answer to the end', on: ENDED },
  'Ringing-Seconds': { type: COUNT, meaning: 'From ringing to the answer', on: ENDED },
  'User-Agent': { type: 'string', meaning: 'SIP user agent' },
  'Parking-Slot': { type: COUNT, meaning: 'The slot', on: PARKED },
  'DTMF-Digit': { type: 'string', meaning: 'The digit; hidden from tenants by default', on: ['DTMF'] },
  'DTMF-Duration': { type: COUNT, meaning: 'Samples of 8 kHz', on: ['DTMF'] },
  'Detected-Tone': { type: 'string', meaning: 'Name of the tone', on: ['DETECTED_TONE'] },
  Recording: {
    type: ['object', 'string'],
    meaning: 'The recording, by its file name',
    on: ['RECORD_START', 'RECORD_STOP'],
  },
  Length: { type: COUNT, meaning: 'Milliseconds of the recording', on: ['RECORD_STOP'] },
  [SYNTHETIC_FIELD]: {
    type: 'string',
    meaning: 'The event is not the switch’s own: missed, switch_restarted, switch_lost, reconciled or silent',
  },
  'Firehose-Switch': { type: 'string', meaning: 'Pseudonym of the switch, on events of a FirehoseSource' },
  'Custom-Channel-Vars': {
    type: 'object',
    meaning: 'Account-ID, Account-Name, Account-Realm, Owner-ID, Call-Interaction-ID and others',
  },
  'Custom-Application-Vars': { type: 'object', meaning: 'Variables that the platform chose' },
};

interface JsonSchema {
  readonly [keyword: string]: unknown;
}

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/**
 * The JSON Schema (2020-12) of an event of this name, or of every event without a name. Open: other fields may occur.
 */
export function eventSchema(name: string | null): JsonSchema {
  const fields = Object.entries(EVENT_FIELDS).filter(
    ([, { on }]) => name === null || on === undefined || on.includes(name),
  );
  return {
    $schema: DIALECT,
    title: name ?? 'call event',
    type: 'object',
    required: ['Event-Name'],
    properties: {
      ...Object.fromEntries(fields.map(([field, { type, meaning }]) => [field, { type, description: meaning }])),
      'Event-Name': {
        ...(name === null ? { type: 'string', examples: NAMED_EVENTS } : { const: name }),
        description: 'What happened',
      },
    },
    additionalProperties: true,
  };
}
