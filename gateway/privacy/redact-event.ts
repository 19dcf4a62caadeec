import { trimJson } from '../../event-log/intake/json-slice.ts';
import { isObjectText, spliceMembers, type Cut } from '../../event-log/intake/splice-members.ts';
import { privacyClass } from '../../protocol/privacy-class.ts';
import type { PrivacyProfile } from '../../protocol/subscription/privacy.ts';
import type { Hiding } from './hide.ts';

const QUOTE = 0x22;
const OPEN_ARRAY = 0x5b;
const LITERALS = ['null', 'true', 'false'];
const MASK = Buffer.from('"*"');
/** Of the class network, but they never contain a number. */
const HOSTS_ALONE: ReadonlySet<string> = new Set([
  'switch-uri',
  'switch-url',
  'switch-hostname',
  'switch-nodename',
  'media-server',
  'node',
]);

type Judge = (key: string, value: Buffer) => Cut;

/**
 * An event as a profile shows it. The bytes are one JSON object, and so is the result (V3). `at`: when the log got it,
 * Unix milliseconds. Pure.
 */
export function redactEvent(profile: PrivacyProfile, hiding: Hiding): (event: Buffer, at: number) => Buffer {
  const rules = new Map(profile.fields.map(({ name, action }) => [name.toLowerCase(), action]));
  const allowed = new Set(profile.variables.allow.map((name) => name.toLowerCase()));
  const byRule = (key: string): Cut | null => {
    if (rules.size === 0) return null;
    const action = rules.get(key.toLowerCase());
    return action === undefined ? null : action === 'Keep' ? 'keep' : 'cut';
  };
  /** Of the current event. */
  let gotAt = 0;
  const ofClass = classJudge(profile, hiding, () => gotAt);
  /** Inside of a kept object: a name that belongs to a class belongs to it there, too. */
  const nested: Judge = (key, value) => byRule(key) ?? ofClass(key, value) ?? inside(value, nested);
  const variable: Judge = (key, value) => {
    const isKept = profile.variables.policy === 'Keep' || allowed.has(key.toLowerCase());
    return byRule(key) ?? (isKept ? nested(key, value) : 'cut');
  };
  const top: Judge = (key, value) => {
    const ruled = byRule(key) ?? ofClass(key, value);
    if (ruled !== null) return ruled;
    const of = privacyClass(key);
    if (of === 'variables') return isObjectText(value) ? inside(value, variable) : 'cut';
    if (of === 'signal' && isScalar(value)) return 'keep';
    return profile.unknownFields === 'Keep' ? inside(value, nested) : 'cut';
  };
  return (event, at) => {
    gotAt = at;
    return spliceMembers(trimJson(event), top);
  };
}

/** Null for a field that no class hides or changes by itself. */
function classJudge(
  profile: PrivacyProfile,
  hiding: Hiding,
  at: () => number,
): (key: string, value: Buffer) => Cut | null {
  const isAllShown = profile.network === 'Keep' && profile.numbers === 'Keep';
  const address = (text: string) => hiding.address(text, at());
  const name = (text: string) => hiding.name(text, at());
  return (key, value) => {
    const of = privacyClass(key);
    switch (of) {
      case 'sdp':
      case 'billing':
        return profile[of] === 'Keep' ? 'keep' : 'cut';
      case 'network':
        return isAllShown || (profile.network === 'Keep' && HOSTS_ALONE.has(key.toLowerCase())) ? 'keep' : 'cut';
      case 'digits':
        return profile.digits === 'Keep' ? 'keep' : profile.digits === 'Mask' ? MASK : 'cut';
      case 'numbers':
        return isAllShown ? 'keep' : shown(value, address);
      case 'names':
        return profile.names === 'Keep' ? 'keep' : shown(value, name);
      default:
        return null;
    }
  };
}

/** A text or a number; any other value in its place is cut. */
function shown(value: Buffer, show: (text: string) => string | null): Cut {
  if (!isScalar(value)) return 'cut';
  // A literal identifies nothing.
  if (LITERALS.includes(value.toString('latin1', 0, 5))) return 'keep';
  const before = value[0] === QUOTE ? (JSON.parse(value.toString()) as string) : value.toString();
  const after = show(before);
  if (after === null) return 'cut';
  return after === before ? 'keep' : Buffer.from(JSON.stringify(after));
}

/** An object is judged by its members. A list is kept only if nothing in it has a name. */
function inside(value: Buffer, judge: Judge): Cut {
  if (value[0] === OPEN_ARRAY) return value.includes('{') ? 'cut' : 'keep';
  if (!isObjectText(value)) return 'keep';
  const after = spliceMembers(value, judge);
  return after === value ? 'keep' : after;
}

function isScalar(value: Buffer): boolean {
  return value[0] !== OPEN_ARRAY && !isObjectText(value);
}
