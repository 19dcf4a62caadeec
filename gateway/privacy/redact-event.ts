import { trimJson } from '../../event-log/intake/json-slice.ts';
import {
  bytesOf,
  byteText,
  CUT,
  isObjectText,
  isStringText,
  MemberRules,
  spliceMembers,
  stringOf,
  stringText,
  type ByteText,
  type MemberRule,
} from '../../event-log/intake/splice-members.ts';
import { privacyClass, type PrivacyClass } from '../../protocol/privacy-class.ts';
import type { PrivacyProfile } from '../../protocol/subscription/privacy.ts';
import type { Hiding } from './hide.ts';

const LITERALS: readonly ByteText[] = ['null', 'true', 'false'];
const mask = (): ByteText => '"*"';
const KEEP: MemberRule = { scalar: 'keep', container: 'keep' };
const DROP: MemberRule = { scalar: 'cut', container: 'cut' };
const MASKED: MemberRule = { scalar: mask, container: mask };
/** Of the class network, but they never contain a number. */
const HOSTS_ALONE: ReadonlySet<string> = new Set([
  'switch-uri',
  'switch-url',
  'switch-hostname',
  'switch-nodename',
  'media-server',
  'node',
]);

/**
 * An event as a profile shows it. The bytes are one JSON object, and so is the result (V3). `at`: when the log got it,
 * Unix milliseconds. Pure.
 */
export function redactEvent(profile: PrivacyProfile, hiding: Hiding): (event: Buffer, at: number) => Buffer {
  /** Of the current event. */
  let gotAt = 0;
  const top = topRules(profile, hiding, () => gotAt);
  return (event, at) => {
    gotAt = at;
    const object = trimJson(event);
    const text = byteText(object);
    const shown = spliceMembers(text, top);
    return shown === text ? object : bytesOf(shown);
  };
}

/** Each rule is decided once for a key, not for each event. */
function topRules(profile: PrivacyProfile, hiding: Hiding, at: () => number): MemberRules {
  const rules = new Map(profile.fields.map(({ name, action }) => [name.toLowerCase(), action]));
  const allowed = new Set(profile.variables.allow.map((name) => name.toLowerCase()));
  const ofClass = classRule(profile, hiding, at);
  /** Null: the class decides nothing. */
  const decided = (of: PrivacyClass, key: string): MemberRule | null => {
    const action = rules.get(key.toLowerCase());
    if (action === undefined) return ofClass(of, key);
    return action === 'Keep' ? KEEP : DROP;
  };
  /** Inside of a kept object: a name that belongs to a class belongs to it there, too. */
  const nested = new MemberRules((key) => decided(privacyClass(key), key) ?? known);
  const known: MemberRule = { scalar: 'keep', container: (value) => inside(value, nested) };
  const variables = new MemberRules((key) => {
    const isKept = profile.variables.policy === 'Keep' || allowed.has(key.toLowerCase());
    if (isKept) return decided(privacyClass(key), key) ?? known;
    return rules.get(key.toLowerCase()) === 'Keep' ? KEEP : DROP;
  });
  const unknown = profile.unknownFields === 'Keep' ? known : DROP;
  const signal: MemberRule = { scalar: 'keep', container: unknown.container };
  const holder: MemberRule = {
    scalar: 'cut',
    container: (value) => (isObjectText(value) ? spliceMembers(value, variables) : CUT),
  };
  return new MemberRules((key) => {
    const of = privacyClass(key);
    const undecided = of === 'variables' ? holder : of === 'signal' ? signal : unknown;
    return decided(of, key) ?? undecided;
  });
}

/** The rules of fields that a class hides or changes by itself. */
function classRule(
  profile: PrivacyProfile,
  hiding: Hiding,
  at: () => number,
): (of: PrivacyClass, key: string) => MemberRule | null {
  const isAllShown = profile.network === 'Keep' && profile.numbers === 'Keep';
  const numbers = hidden((text) => hiding.address(text, at()));
  const names = hidden((text) => hiding.name(text, at()));
  return (of, key) => {
    switch (of) {
      case 'sdp':
      case 'billing':
        return profile[of] === 'Keep' ? KEEP : DROP;
      case 'network':
        return isAllShown || (profile.network === 'Keep' && HOSTS_ALONE.has(key.toLowerCase())) ? KEEP : DROP;
      case 'digits':
        return profile.digits === 'Keep' ? KEEP : profile.digits === 'Mask' ? MASKED : DROP;
      case 'numbers':
        return isAllShown ? KEEP : numbers;
      case 'names':
        return profile.names === 'Keep' ? KEEP : names;
      default:
        return null;
    }
  };
}

/** A text or a number is shown like this; any other value in its place is cut. */
function hidden(show: (text: string) => string | null): MemberRule {
  return {
    container: 'cut',
    scalar(value) {
      // A literal identifies nothing.
      if (LITERALS.includes(value)) return value;
      const before = isStringText(value) ? stringOf(value) : value;
      const after = show(before);
      if (after === null) return CUT;
      return after === before ? value : stringText(after);
    },
  };
}

/** An object is judged by its members. A list is kept only if nothing in it has a name. */
function inside(value: ByteText, rules: MemberRules): ByteText {
  if (isObjectText(value)) return spliceMembers(value, rules);
  return value.includes('{') ? CUT : value;
}
