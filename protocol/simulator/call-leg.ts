import type { Random } from './random.ts';

/** An account with calls. `realm` is its SIP realm. */
export interface SimulatedAccount {
  readonly id: string;
  readonly name: string;
  readonly realm: string;
}

/** The party at one end of a leg: a desk phone of the account, or a number in the telephone network. */
export interface Party {
  readonly number: string;
  readonly name: string;
  readonly userAgent: string;
  /** Ids of the account's user and device; null for a party outside. */
  readonly owner: { readonly ownerId: string; readonly deviceId: string } | null;
}

/** One leg of a call, as the switch sees it. Times are Unix milliseconds. */
export interface Leg {
  readonly callId: string;
  /** From the view of the switch: the caller's leg is inbound, the leg to the called party is outbound. */
  readonly direction: 'inbound' | 'outbound';
  readonly caller: Party;
  readonly callee: Party;
  readonly createdAt: number;
  progressAt: number | null;
  answeredAt: number | null;
}

const NAMES = ['Ana', 'Ben', 'Chloe', 'Dev', 'Elif', 'Femi', 'Greta', 'Hugo', 'Ines', 'Jun', 'Kofi', 'Lena'];
const PHONES = ['Yealink SIP-T46U 108.86.0.90', 'PolycomVVX-VVX_411-UA/5.9.5', 'Grandstream GXP2170 1.0.11.64'];
const CARRIER = 'Carrier SBC/3.2';
const EXTENSIONS = 40;

/** A desk phone: the same extension of the same account is always the same person. */
export function deskPhone(account: SimulatedAccount, random: Random): Party {
  const place = random.integer(0, EXTENSIONS - 1);
  return {
    number: String(1001 + place),
    name: NAMES[place % NAMES.length] ?? '',
    userAgent: PHONES[place % PHONES.length] ?? '',
    owner: { ownerId: objectId(account.id, `u${place}`), deviceId: objectId(account.id, `d${place}`) },
  };
}

/** A party outside, with an unassigned number (555-0100 to 555-0199 are reserved for fiction). */
export function outsider(random: Random): Party {
  const number = `+1555555${String(random.integer(100, 199)).padStart(4, '0')}`;
  return { number, name: random.chance(0.5) ? number : random.pick(NAMES), userAgent: CARRIER, owner: null };
}

export function createLeg(random: Random, leg: Pick<Leg, 'direction' | 'caller' | 'callee' | 'createdAt'>): Leg {
  // The caller's phone makes the id of its leg, the switch makes that of the other (a UUID).
  const callId = leg.direction === 'inbound' ? random.hex(32) : uuid(random);
  return { ...leg, callId, progressAt: null, answeredAt: null };
}

function uuid(random: Random): string {
  const hex = random.hex(30);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(12, 15)}-a${hex.slice(15, 18)}-${hex.slice(18, 30)}`;
}

/** A 32-character id of an object of the account, the same in every run. */
function objectId(accountId: string, label: string): string {
  let hash = 7;
  const text = `${accountId}/${label}`;
  let digits = '';
  while (digits.length < 32) {
    for (let index = 0; index < text.length; index += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) >>> 0;
    digits += hash.toString(16).padStart(8, '0');
  }
  return digits;
}
