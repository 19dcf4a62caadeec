import type { PrivacyProfile } from '../../protocol/subscription/privacy.ts';

/** Stands for a text: the same for the same text of one resource, and of no use without its key. */
export type Pseudonym = (text: string) => string;

/** How single values are shown; null: not at all. */
export interface Hiding {
  readonly number: (text: string) => string | null;
  readonly name: (text: string) => string | null;
  /** `user@host`, as in From, To and Presence-ID; a text without `@` is a number. */
  readonly address: (text: string) => string | null;
}

const HIDDEN = 'hidden';
const MASKED = '********';
const DIALLED = /^\+?[0-9]+$/;
/** Extensions say little, and a masked one would be of no use. */
const LONGEST_EXTENSION = 5;
const SHOWN_DIGITS = 4;
const REALM = /^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/;
const IPV4 = /^[0-9.]+$/;
/** Texts whose pseudonyms are remembered: making one costs more than changing the rest of an event. */
const MOST_REMEMBERED = 100_000;

export function hidingOf(profile: Pick<PrivacyProfile, 'numbers' | 'names' | 'network'>, pseudonym: Pseudonym): Hiding {
  const { numbers, names, network } = profile;
  const of = remembering(pseudonym);
  const number = (text: string): string | null => {
    if (numbers === 'Keep') return text;
    if (numbers === 'Drop') return null;
    return numbers === 'Last4' ? lastDigits(text) : `p_${of(`number:${canonical(text)}`)}`;
  };
  const host = (text: string) => (network === 'Keep' || isRealm(text) ? text : HIDDEN);
  return {
    number,
    name(text) {
      if (names === 'Keep') return text;
      return names === 'Drop' ? null : `n_${of(`name:${text}`)}`;
    },
    address(text) {
      const at = text.lastIndexOf('@');
      if (at < 0) return number(text);
      const user = number(text.slice(0, at));
      return user === null ? null : `${user}@${host(text.slice(at + 1))}`;
    },
  };
}

/** The name of a tenant's realm, which is no address of the platform: `sip.example.com`. */
function isRealm(text: string): boolean {
  return REALM.test(text) && !IPV4.test(text);
}

/** The same for each spelling of a telephone number; another text is itself. */
function canonical(text: string): string {
  const bare = text.replace(/[ ().-]/g, '');
  return DIALLED.test(bare) ? bare.replace(/^(\+|00)/, '') : text.toLowerCase();
}

function lastDigits(text: string): string {
  if (!DIALLED.test(text)) return MASKED;
  if (text.length <= LONGEST_EXTENSION) return text;
  return '*'.repeat(text.length - SHOWN_DIGITS) + text.slice(-SHOWN_DIGITS);
}

function remembering(pseudonym: Pseudonym): Pseudonym {
  const remembered = new Map<string, string>();
  return (text) => {
    let found = remembered.get(text);
    if (found === undefined) {
      if (remembered.size >= MOST_REMEMBERED) remembered.clear();
      found = pseudonym(text);
      remembered.set(text, found);
    }
    return found;
  };
}
