/**
 * A stream entry's meta line (`m`): what the gateway needs to route an event without parsing it.
 * Seven tab-separated values; a tab, line feed or backslash inside a value is escaped; unknown is empty.
 */
export interface EntryMeta {
  /** Event-Name of the event. */
  readonly name: string;
  /** Account id, empty when the producer gave none: the event is then not delivered. */
  readonly account: string;
  readonly callId: string;
  /** Stable id of the event; empty for hand-made entries, whose id is then their position. */
  readonly eventId: string;
  /** Ingest time in microseconds of Unix time, as decimal digits; empty means the time of the entry id. */
  readonly ingestedAt: string;
  readonly traceparent: string;
}

export const ENTRY_FORMAT = '1';
/** Field names of a stream entry: the meta line and the event's bytes. */
export const META_FIELD = 'm';
export const DATA_FIELD = 'd';

const ESCAPES: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\\': '\\\\' };
const NEEDS_ESCAPE = /[\t\n\\]/g;
const ESCAPED = /\\(.?)/gs;

function escape(value: string): string {
  return value.replace(NEEDS_ESCAPE, (character) => ESCAPES[character] ?? character);
}

export function unescapeValue(value: string): string {
  if (!value.includes('\\')) return value;
  return value.replace(ESCAPED, (_, character: string) =>
    character === 't' ? '\t' : character === 'n' ? '\n' : character,
  );
}

export function encodeMeta(meta: EntryMeta): string {
  const values = [meta.name, meta.account, meta.callId, meta.eventId, meta.ingestedAt, meta.traceparent];
  return `${ENTRY_FORMAT}\t${values.map(escape).join('\t')}`;
}

/** Sixteen digits are microseconds until the year 2286: a longer number is not a time. */
const TIME = /^\d{1,16}$/;

/**
 * Null when the line does not have this format: the entry is then poison. Missing values are unknown, and so is an
 * invalid time: it must not hide the rest.
 */
export function decodeMeta(line: string): EntryMeta | null {
  const values = line.split('\t');
  if (values[0] !== ENTRY_FORMAT) return null;
  const [, name = '', account = '', callId = '', eventId = '', time = '', traceparent = ''] = line.includes('\\')
    ? values.map(unescapeValue)
    : values;
  if (name === '') return null;
  return { name, account, callId, eventId, ingestedAt: TIME.test(time) ? time : '', traceparent };
}
