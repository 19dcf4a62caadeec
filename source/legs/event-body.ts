import { SWITCH_FIELD } from '../../protocol/switch-field.ts';
import { SYNTHETIC_FIELD } from '../../protocol/synthetic.ts';
import type { Synthetic } from '../mapper.ts';

/** Seconds from the year 0 to 1970: a Kazoo Timestamp counts Gregorian seconds. */
const GREGORIAN_OFFSET = 62_167_219_200;

const VARIABLES = 'Custom-Channel-Vars';

/** Fields of an event in the order of the output. Undefined, null and empty values are omitted. */
export type Fields = Record<string, unknown>;

export interface EventHeader {
  readonly name: string;
  readonly callId: string;
  /** Unix microseconds of the switch. */
  readonly micros: number;
  readonly appName: 'freeswitch' | 'asterisk';
  readonly appVersion: string;
  readonly node: string;
  /** Pseudonym of the switch; empty when it has none. */
  readonly switchId: string;
}

export function headerFields({ name, callId, micros, appName, appVersion, node, switchId }: EventHeader): Fields {
  return {
    'Event-Category': 'call_event',
    'Event-Name': name,
    'Msg-ID': String(micros),
    Timestamp: Math.floor(micros / 1_000_000) + GREGORIAN_OFFSET,
    'Call-ID': callId,
    'App-Name': appName,
    'App-Version': appVersion,
    Node: node,
    [SWITCH_FIELD]: switchId,
  };
}

/**
 * The event as text, without the hidden fields and empty values. Removes them from `fields`, which the caller has made
 * for this call: a copy costs as much as the text.
 */
export function bodyText(fields: Fields, isHidden: (name: string) => boolean, synthetic: Synthetic | null): string {
  for (const name in fields) {
    const value = fields[name];
    if (value === undefined) continue;
    const isLeftOut =
      value === null || value === '' || isHidden(name) || (isGroup(value) && leaveOut(value, name, isHidden));
    // JSON.stringify leaves it out, and the object keeps its shape.
    if (isLeftOut) fields[name] = undefined;
  }
  if (synthetic !== null) fields[SYNTHETIC_FIELD] = synthetic;
  return JSON.stringify(fields);
}

function isGroup(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether nothing is left of a group of fields. Those of Custom-Channel-Vars may be hidden. */
function leaveOut(group: Fields, name: string, isHidden: (name: string) => boolean): boolean {
  let isNothing = true;
  for (const inner in group) {
    const value = group[inner];
    if (isEmpty(value) || (name === VARIABLES && isHidden(inner))) group[inner] = undefined;
    else isNothing = false;
  }
  return isNothing;
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

/**
 * No field of the catalogue is longer. Text that a caller puts into a name must not make an event too large for the
 * log.
 */
const MAX_TEXT = 1_024;

/**
 * A value of a switch that must be text: anything else counts as absent. A long one is cut, and half a surrogate pair
 * is repaired.
 */
export function text(value: unknown): string {
  if (typeof value !== 'string') return '';
  const kept = value.length > MAX_TEXT ? value.slice(0, MAX_TEXT) : value;
  return kept.isWellFormed() ? kept : kept.toWellFormed();
}

/** The first value that is not empty. */
export function firstText(...values: readonly unknown[]): string {
  for (const value of values) if (typeof value === 'string' && value !== '') return text(value);
  return '';
}

const WHOLE_NUMBER = /^\d{1,16}$/;

/** A number of decimal digits; undefined when it is not one. */
export function wholeNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  if (typeof value !== 'string' || !WHOLE_NUMBER.test(value)) return undefined;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : undefined;
}

const MAX_ACCOUNT_LENGTH = 128;

/** An account as a switch names it; an invalid account id counts as absent. */
export function accountName(value: unknown): string {
  const name = text(value);
  return name.length <= MAX_ACCOUNT_LENGTH ? name : '';
}
