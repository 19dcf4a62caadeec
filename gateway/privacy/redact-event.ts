import { trimJson } from '../../event-log/intake/json-slice.ts';
import {
  bytesOf,
  byteText,
  CUT,
  isArrayText,
  isObjectText,
  isStringText,
  spliceMembers,
  stringOf,
  stringText,
  type ByteText,
  type Judge,
} from '../../event-log/intake/splice-members.ts';
import { privacyClass, type PrivacyClass } from '../../protocol/privacy-class.ts';
import type { PrivacyProfile } from '../../protocol/subscription/privacy.ts';
import type { Hiding } from './hide.ts';

const LITERALS: readonly ByteText[] = ['null', 'true', 'false'];
const MASK: ByteText = '"*"';
/** Of the class network, but they never contain a number. */
const HOSTS_ALONE: ReadonlySet<string> = new Set([
  'switch-uri',
  'switch-url',
  'switch-hostname',
  'switch-nodename',
  'media-server',
  'node',
]);

/** Like `Judge`, of a member of this class; null for a member that it does not decide about. */
type ClassJudge = (of: PrivacyClass, key: string, value: ByteText) => ByteText | null;

/**
 * An event as a profile shows it. The bytes are one JSON object, and so is the result (V3). `at`: when the log got it,
 * Unix milliseconds. Pure.
 */
export function redactEvent(profile: PrivacyProfile, hiding: Hiding): (event: Buffer, at: number) => Buffer {
  const rules = new Map(profile.fields.map(({ name, action }) => [name.toLowerCase(), action]));
  const allowed = new Set(profile.variables.allow.map((name) => name.toLowerCase()));
  /** Of the current event. */
  let gotAt = 0;
  const ofClass = classJudge(profile, hiding, () => gotAt);
  const decided: ClassJudge = (of, key, value) => {
    const action = rules.size === 0 ? undefined : rules.get(key.toLowerCase());
    if (action === undefined) return ofClass(of, key, value);
    return action === 'Keep' ? value : CUT;
  };
  /** Inside of a kept object: a name that belongs to a class belongs to it there, too. */
  const nested: Judge = (key, value) => decided(privacyClass(key), key, value) ?? inside(value, nested);
  const variable: Judge = (key, value) => {
    const isKept = profile.variables.policy === 'Keep' || allowed.has(key.toLowerCase());
    if (isKept) return nested(key, value);
    return rules.get(key.toLowerCase()) === 'Keep' ? value : CUT;
  };
  const top: Judge = (key, value) => {
    const of = privacyClass(key);
    const shown = decided(of, key, value);
    if (shown !== null) return shown;
    if (of === 'variables') return isObjectText(value) ? inside(value, variable) : CUT;
    if (of === 'signal' && isScalar(value)) return value;
    return profile.unknownFields === 'Keep' ? inside(value, nested) : CUT;
  };
  return (event, at) => {
    gotAt = at;
    const object = trimJson(event);
    const text = byteText(object);
    const shown = spliceMembers(text, top);
    return shown === text ? object : bytesOf(shown);
  };
}

/** Decides about the fields that a class hides or changes by itself. */
function classJudge(profile: PrivacyProfile, hiding: Hiding, at: () => number): ClassJudge {
  const isAllShown = profile.network === 'Keep' && profile.numbers === 'Keep';
  const address = (text: string) => hiding.address(text, at());
  const name = (text: string) => hiding.name(text, at());
  return (of, key, value) => {
    switch (of) {
      case 'sdp':
      case 'billing':
        return profile[of] === 'Keep' ? value : CUT;
      case 'network':
        return isAllShown || (profile.network === 'Keep' && HOSTS_ALONE.has(key.toLowerCase())) ? value : CUT;
      case 'digits':
        return profile.digits === 'Keep' ? value : profile.digits === 'Mask' ? MASK : CUT;
      case 'numbers':
        return isAllShown ? value : shown(value, address);
      case 'names':
        return profile.names === 'Keep' ? value : shown(value, name);
      default:
        return null;
    }
  };
}

/** A text or a number; any other value in its place is cut. */
function shown(value: ByteText, show: (text: string) => string | null): ByteText {
  if (!isScalar(value)) return CUT;
  // A literal identifies nothing.
  if (LITERALS.includes(value)) return value;
  const before = isStringText(value) ? stringOf(value) : value;
  const after = show(before);
  if (after === null) return CUT;
  return after === before ? value : stringText(after);
}

/** An object is judged by its members. A list is kept only if nothing in it has a name. */
function inside(value: ByteText, judge: Judge): ByteText {
  if (isArrayText(value)) return value.includes('{') ? CUT : value;
  return isObjectText(value) ? spliceMembers(value, judge) : value;
}

function isScalar(value: ByteText): boolean {
  return !isArrayText(value) && !isObjectText(value);
}
