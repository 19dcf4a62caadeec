import type { PrivacyProfile } from '../../protocol/subscription/privacy.ts';

/** Replacement of a text: its first letter names its kind. */
type PseudonymKind = 'p' | 'n';

/**
 * Pseudonym of a text: equal for equal texts of one resource within a period, and useless without the key. `at`: when
 * the log got the event, Unix milliseconds.
 */
export type Pseudonym = (kind: PseudonymKind, text: string, at: number) => string;

/** How single values are shown; null: not at all. `at`: see `Pseudonym`. */
export interface Hiding {
  readonly number: (text: string, at: number) => string | null;
  readonly name: (text: string, at: number) => string | null;
  /** `user@host`, as in From, To and Presence-ID; a text without `@` is a number. */
  readonly address: (text: string, at: number) => string | null;
}

const HIDDEN = 'hidden';
const MASKED = '********';
const DIALLED = /^\+?[0-9]+$/;
/** Extensions identify little, and masking them would leave nothing useful. */
const LONGEST_EXTENSION = 5;
const SHOWN_DIGITS = 4;
const REALM = /^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/;
const IPV4 = /^[0-9.]+$/;

export function hidingOf(profile: Pick<PrivacyProfile, 'numbers' | 'names' | 'network'>, pseudonym: Pseudonym): Hiding {
  const { numbers, names, network } = profile;
  const number: Hiding['number'] = (text, at) => {
    if (numbers === 'Keep') return text;
    if (numbers === 'Drop') return null;
    return numbers === 'Last4' ? lastDigits(text) : pseudonym('p', canonical(text), at);
  };
  const host = (text: string) => (network === 'Keep' || isRealm(text) ? text : HIDDEN);
  return {
    number,
    name(text, at) {
      if (names === 'Keep') return text;
      return names === 'Drop' ? null : pseudonym('n', text, at);
    },
    address(text, at) {
      const sign = text.lastIndexOf('@');
      if (sign < 0) return number(text, at);
      const user = number(text.slice(0, sign), at);
      return user === null ? null : `${user}@${host(text.slice(sign + 1))}`;
    },
  };
}

/** The name of a tenant's realm, which is not an address of the platform: `sip.example.com`. */
function isRealm(text: string): boolean {
  return REALM.test(text) && !IPV4.test(text);
}

/** Equal for each spelling of a telephone number; another text stays as it is. */
function canonical(text: string): string {
  const bare = DIALLED.test(text) ? text : text.replace(/[ ().-]/g, '');
  if (!DIALLED.test(bare)) return text.toLowerCase();
  return bare.startsWith('+') ? bare.slice(1) : bare.startsWith('00') ? bare.slice(2) : bare;
}

function lastDigits(text: string): string {
  if (!DIALLED.test(text)) return MASKED;
  if (text.length <= LONGEST_EXTENSION) return text;
  return '*'.repeat(text.length - SHOWN_DIGITS) + text.slice(-SHOWN_DIGITS);
}
