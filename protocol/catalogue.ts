/**
 * The event names of a Kazoo bus, by their handling here. Source: 2600hz/kazoo 4.3 `kapi_call`, `blackhole`,
 * `ecallmgr`; Kazoo 5 for RECORD_PAUSE and related names.
 */
const KNOWN = [
  'CHANNEL_CREATE',
  'CHANNEL_PROGRESS',
  'CHANNEL_PROGRESS_MEDIA',
  'CHANNEL_ANSWER',
  'CHANNEL_BRIDGE',
  'CHANNEL_UNBRIDGE',
  'CHANNEL_HOLD',
  'CHANNEL_UNHOLD',
  'CHANNEL_DESTROY',
  'CHANNEL_CONNECTED',
  'CHANNEL_DISCONNECTED',
  'CHANNEL_REPLACED',
  'CHANNEL_DIRECT',
  'CHANNEL_INTERCEPTED',
  'CHANNEL_TRANSFEROR',
  'CHANNEL_TRANSFEREE',
  'CHANNEL_METAFLOW',
  'CHANNEL_FAX_STATUS',
  'CALL_SECURE',
  'PARK_PARKED',
  'PARK_RETRIEVED',
  'PARK_ABANDONED',
  'DTMF',
  'DETECTED_TONE',
  'RECORD_START',
  'RECORD_STOP',
  'RECORD_PAUSE',
  'RECORD_RESUME',
  'RECORD_MASK',
  'RECORD_UNMASK',
] as const;

export const KNOWN_EVENTS: readonly string[] = KNOWN;

/** The name of the real end of a leg that already has a synthetic one: delivered only to filters that name it. */
export const CALL_END_CORRECTED = 'CALL_END_CORRECTED';
/** All names for filters: those that switches send, and those that the firehose makes. */
export const NAMED_EVENTS: readonly string[] = [...KNOWN, CALL_END_CORRECTED];
const named: ReadonlySet<string> = new Set(NAMED_EVENTS);

const NEVER_FORWARDED: ReadonlySet<string> = new Set([
  'LEG_CREATED',
  'LEG_DESTROYED',
  'CHANNEL_PIVOT',
  'CHANNEL_SYNC',
  'CHANNEL_DATA',
  'CALL_UPDATE',
  'PRESENCE_IN',
]);

const WELL_FORMED = /^[A-Z][A-Z0-9_]{1,63}$/;
const LOWER_CASE = /^[a-z]/;

/** How a source handles an event of this name. */
export type NameVerdict = 'forward' | 'drop' | 'malformed';

/**
 * The name is judged before the rest of an event: never-forwarded ones are dropped and counted, an unknown but
 * well-formed name is forwarded to unfiltered consumers, everything else is a fault of the producer.
 */
export function judgeName(name: unknown): NameVerdict {
  if (typeof name !== 'string') return 'malformed';
  if (NEVER_FORWARDED.has(name) || name.startsWith('CHANNEL_EXECUTE') || LOWER_CASE.test(name)) return 'drop';
  return WELL_FORMED.test(name) ? 'forward' : 'malformed';
}

/** Whether a filter may name this event. `extra` has the names that the platform team added by configuration. */
export function isKnownEvent(name: string, extra: readonly string[] = []): boolean {
  return named.has(name) || extra.includes(name);
}
