import type { SwitchEvent } from '../mapper.ts';
import { firstText, text, wholeNumber, type Fields } from '../legs/event-body.ts';
import type { ChosenVariables } from '../legs/chosen-variables.ts';

/** Data that a leg's later events do not repeat. */
export interface LegFacts {
  /** Channel-Call-UUID at the leg's start: for the called leg it later becomes its own id. */
  readonly interactionId: string;
  readonly createdAt: number | undefined;
  /** The other leg, from this leg's events or from the other leg's. */
  otherId: string;
}

const WITH_ADDRESSES: ReadonlySet<string> = new Set([
  'CHANNEL_CREATE',
  'CHANNEL_PROGRESS',
  'CHANNEL_PROGRESS_MEDIA',
  'CHANNEL_ANSWER',
  'CHANNEL_DESTROY',
  'RECORD_STOP',
]);
/** For these events, Kazoo sends only the header block and the variables. */
const BARE: ReadonlySet<string> = new Set(['DTMF', 'DETECTED_TONE']);
const STATE_PREFIX = 'CS_';

/** The fields of an event between its header and the variables. */
export function channelFields(name: string, event: SwitchEvent, facts: LegFacts): Fields {
  if (BARE.has(name)) return { 'Channel-Created-Time': facts.createdAt, ...ownFields(name, event) };
  const v = (variable: string) => event[`variable_${variable}`];
  const channelName = text(event['Channel-Name']);
  return {
    'Call-Direction': text(event['Call-Direction']),
    'Caller-ID-Number': firstText(
      v('origination_caller_id_number'),
      v('effective_caller_id_number'),
      event['Caller-Caller-ID-Number'],
    ),
    'Caller-ID-Name': firstText(
      v('origination_caller_id_name'),
      v('effective_caller_id_name'),
      event['Caller-Caller-ID-Name'],
    ),
    'Callee-ID-Number': firstText(
      v('origination_callee_id_number'),
      v('effective_callee_id_number'),
      event['Caller-Callee-ID-Number'],
      event['Other-Leg-Caller-ID-Number'],
    ),
    'Callee-ID-Name': firstText(
      v('origination_callee_id_name'),
      v('effective_callee_id_name'),
      event['Caller-Callee-ID-Name'],
      event['Other-Leg-Caller-ID-Name'],
    ),
    'Caller-Destination-Number': text(event['Caller-Destination-Number']),
    ...(WITH_ADDRESSES.has(name) && addressFields(event)),
    'From-Tag': text(v('sip_from_tag')),
    'To-Tag': text(v('sip_to_tag')),
    'Presence-ID': text(v('presence_id')),
    'Channel-State': channelState(event),
    'Channel-Call-State': callState(event),
    'Channel-Answer-State': text(event['Answer-State']),
    'Channel-Name': channelName,
    'Channel-Created-Time': facts.createdAt,
    ...(channelName.startsWith('loopback/') && {
      'Channel-Is-Loopback': true,
      'Channel-Loopback-Leg': channelName.slice(-1),
      'Channel-Loopback-Other-Leg-ID': text(v('other_loopback_leg_uuid')),
    }),
    'Other-Leg-Call-ID': facts.otherId,
    'Other-Leg-Direction': text(event['Other-Leg-Direction']),
    'Other-Leg-Caller-ID-Name': text(event['Other-Leg-Caller-ID-Name']),
    'Other-Leg-Caller-ID-Number': text(event['Other-Leg-Caller-ID-Number']),
    'Other-Leg-Destination-Number': text(event['Other-Leg-Destination-Number']),
    ...ownFields(name, event),
    'Transfer-History': transferHistory(v('transfer_history')),
    'User-Agent': text(v('sip_user_agent')),
  };
}

/** Fields that only one kind of event has. */
function ownFields(name: string, event: SwitchEvent): Fields {
  const v = (variable: string) => event[`variable_${variable}`];
  switch (name) {
    case 'CHANNEL_BRIDGE':
      return { 'Bridge-B-Unique-ID': text(event['Bridge-B-Unique-ID']) };
    case 'CHANNEL_UNBRIDGE':
      return {
        'Bridge-B-Unique-ID': text(event['Bridge-B-Unique-ID']),
        'Bridge-Hangup-Cause': firstText(v('bridge_hangup_cause'), v('last_bridge_hangup_cause')),
        Disposition: firstText(v('originate_disposition'), v('endpoint_disposition')),
      };
    case 'CHANNEL_DESTROY':
      return endFields(event);
    case 'DTMF':
      return { 'DTMF-Digit': text(event['DTMF-Digit']), 'DTMF-Duration': wholeNumber(event['DTMF-Duration']) };
    case 'DETECTED_TONE':
      return { 'Detected-Tone': text(event['Detected-Tone']) };
    case 'RECORD_START':
      return { Recording: recording(event) };
    case 'RECORD_STOP':
      return { Length: wholeNumber(v('record_ms')), Recording: recording(event) };
    case 'PARK_PARKED':
    case 'PARK_RETRIEVED':
    case 'PARK_ABANDONED':
      return { 'Parking-Slot': text(event['Valet-Extension']) };
    default:
      return {};
  }
}

function endFields(event: SwitchEvent): Fields {
  const v = (variable: string) => event[`variable_${variable}`];
  const billed = wholeNumber(v('billmsec'));
  return {
    'Bridge-Hangup-Cause': firstText(v('bridge_hangup_cause'), v('last_bridge_hangup_cause')),
    'Hangup-Cause': firstText(v('originate_failed_cause'), v('hangup_cause'), event['Hangup-Cause']),
    'Hangup-Code': firstText(v('proto_specific_hangup_cause'), v('last_bridge_proto_specific_hangup_cause')),
    'Duration-Seconds': wholeNumber(v('duration')),
    'Billing-Seconds': billed === undefined ? undefined : Math.ceil(billed / 1_000),
    'Ringing-Seconds': wholeNumber(v('progresssec')),
    Disposition: firstText(v('originate_disposition'), v('endpoint_disposition')),
  };
}

/** Custom-Channel-Vars without the account. `realm`: realm of the account. */
export function variableFields(event: SwitchEvent, facts: LegFacts, realm: string): Fields {
  return {
    'Account-Realm': realm,
    Realm: realm,
    Username: text(event['variable_user_name']),
    'Presence-ID': text(event['variable_presence_id']),
    'Call-Interaction-ID': facts.interactionId,
  };
}

export function applicationFields(event: SwitchEvent, chosen: ChosenVariables | null): Fields | undefined {
  return chosen?.(variablesOf(event));
}

function* variablesOf(event: SwitchEvent): Iterable<readonly [string, string]> {
  for (const key in event) if (key.startsWith('variable_')) yield [key.slice(9), text(event[key])];
}

function channelState(event: SwitchEvent): string {
  const state = text(event['Channel-State']);
  return state.startsWith(STATE_PREFIX) ? state.slice(STATE_PREFIX.length) : state;
}

/** FreeSWITCH's UNHELD is Kazoo's ACTIVE. */
function callState(event: SwitchEvent): string {
  const state = text(event['Channel-Call-State']);
  return state === 'UNHELD' ? 'ACTIVE' : state;
}

function addressFields(event: SwitchEvent): Fields {
  const v = (variable: string) => event[`variable_${variable}`];
  return {
    From: addressOf(
      firstText(v('sip_from_uri'), v('presence_id'), v('sip_invite_from_uri'), v('sip_loopback_from_uri')),
    ),
    To: addressOf(
      firstText(
        v('sip_to_uri'),
        v('sip_invite_to_uri'),
        v('sip_req_uri'),
        v('sip_invite_req_uri'),
        v('sip_loopback_req_uri'),
      ),
    ),
    Request: addressOf(
      firstText(
        v('sip_req_uri'),
        v('sip_invite_req_uri'),
        v('sip_loopback_req_uri'),
        v('sip_to_uri'),
        v('sip_invite_to_uri'),
      ),
    ),
  };
}

const SCHEME = /^sips?:/i;
const PORT = /:\d{1,5}$/;

/** `user@host` of a SIP URI or a name-addr (RFC 3261 section 20.10): without display name, parameters and port. */
function addressOf(value: string): string {
  const open = value.indexOf('<');
  const close = value.indexOf('>', open);
  const uri = open >= 0 && close > open ? value.slice(open + 1, close) : value;
  const bare = (uri.replace(SCHEME, '').split(/[;?]/, 1)[0] ?? '').trim();
  return bare.replace(PORT, '');
}

function recording(event: SwitchEvent): Fields | undefined {
  const path = text(event['Record-File-Path']);
  const file = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  return file === '' ? undefined : { 'File-Name': file };
}

function transferHistory(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((entry) => typeof entry === 'string').map(text);
  return text(value);
}
