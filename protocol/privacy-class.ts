/**
 * What a field of an event reveals about people. `signal`: nothing, it is the subject of the event; `variable`: the
 * platform's own, it may contain anything; `unknown`: no table has it.
 */
export type PrivacyClass =
  'sdp' | 'network' | 'digits' | 'numbers' | 'names' | 'billing' | 'variables' | 'signal' | 'unknown';

/**
 * Fields in a table; keys in lower case, because publishers use different cases. Sources: kapi_call of 2600hz/kazoo 4.3
 * and mod_kazoo of Kazoo 5.
 */
const OF_CLASS: Readonly<Record<Exclude<PrivacyClass, 'unknown'>, readonly string[]>> = {
  sdp: ['Local-SDP', 'Remote-SDP'],
  network: [
    'Switch-URI',
    'Switch-URL',
    'Switch-Hostname',
    'Switch-Nodename',
    'Media-Server',
    'Media-Recordings',
    'Node',
    'Custom-SIP-Headers',
    'From-Uri',
    'To-Uri',
    'Channel-Name',
    'Channel-Debug',
    'Call-Debug',
    'Fetch-ID',
    'Recording',
    'Media-Name',
    'User-Agent',
  ],
  digits: ['DTMF-Digit', 'Digits-Dialed', 'Application-Data', 'Raw-Application-Data', 'Application-Response'],
  numbers: [
    'Caller-ID-Number',
    'Callee-ID-Number',
    'Caller-Destination-Number',
    'Other-Leg-Caller-ID-Number',
    'Other-Leg-Callee-ID-Number',
    'Other-Leg-Destination-Number',
    'From',
    'To',
    'Request',
    'Presence-ID',
    'E164-Destination',
    'E164-Origination',
    'Original-Number',
  ],
  names: ['Caller-ID-Name', 'Callee-ID-Name', 'Other-Leg-Caller-ID-Name', 'Other-Leg-Callee-ID-Name'],
  billing: [
    'Account-Billing',
    'Account-Trunk-Usage',
    'Reseller-ID',
    'Reseller-Billing',
    'Reseller-Trunk-Usage',
    'Base-Cost',
    'Pvt-Cost',
    'Surcharge',
    'Rate',
  ],
  variables: ['Custom-Channel-Vars', 'Custom-Application-Vars'],
  signal: [
    'Event-Category',
    'Event-Name',
    'App-Name',
    'App-Version',
    'Msg-ID',
    'Call-ID',
    'Account-ID',
    'Timestamp',
    'Call-Direction',
    'From-Tag',
    'To-Tag',
    'Channel-State',
    'Channel-Call-State',
    'Channel-Answer-State',
    'Channel-Created-Time',
    'Channel-Is-Loopback',
    'Channel-Loopback-Leg',
    'Channel-Loopback-Other-Leg-ID',
    'Other-Leg-Call-ID',
    'Other-Leg-Direction',
    'Bridge-B-Unique-ID',
    'Hangup-Cause',
    'Hangup-Code',
    'Bridge-Hangup-Cause',
    'Disposition',
    'Duration-Seconds',
    'Billing-Seconds',
    'Ringing-Seconds',
    'Parking-Slot',
    'DTMF-Duration',
    'Detected-Tone',
    'Length',
    'Firehose-Synthetic',
    'Firehose-Switch',
  ],
};

/** Fields in no table, by the beginnings or ends of their names. */
const BY_NAME: readonly (readonly [pattern: RegExp, of: PrivacyClass])[] = [
  [/-sdp$/, 'sdp'],
  [/-billing$|-trunk-usage$|-cost$|^rate|^surcharge|^reseller-/, 'billing'],
  [/-(uri|url|host|hostname|ip|address|server)$|^x-/, 'network'],
  [/-digits?$/, 'digits'],
  [/-number$/, 'numbers'],
  [/-id-name$/, 'names'],
];

const CLASS_OF: ReadonlyMap<string, PrivacyClass> = new Map(
  Object.entries(OF_CLASS).flatMap(([of, fields]) =>
    fields.map((field): [string, PrivacyClass] => [field.toLowerCase(), of as PrivacyClass]),
  ),
);

/**
 * Cache of classes by the written name, because most events have the same names. Bounded: invented names of publishers
 * fill it once.
 */
const REMEMBERED = new Map<string, PrivacyClass>();
const MOST_REMEMBERED = 4_096;
const LONGEST_REMEMBERED = 64;

/** The class of a field by its name, regardless of case. */
export function privacyClass(field: string): PrivacyClass {
  const known = REMEMBERED.get(field);
  if (known !== undefined) return known;
  const of = classOf(field.toLowerCase());
  if (REMEMBERED.size < MOST_REMEMBERED && field.length <= LONGEST_REMEMBERED) REMEMBERED.set(field, of);
  return of;
}

function classOf(name: string): PrivacyClass {
  return CLASS_OF.get(name) ?? BY_NAME.find(([pattern]) => pattern.test(name))?.[1] ?? 'unknown';
}

/** The fields of each class in the tables, for the documentation. */
export const PRIVACY_CLASSES: Readonly<Record<string, readonly string[]>> = OF_CLASS;
