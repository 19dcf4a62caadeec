import { accountOf } from '../traffic/numbering.ts';
import type { Scope } from '../traffic/ledger.ts';
import type { Filters } from './login.ts';

/**
 * The mix of clients: half want everything of the account and its descendants, a quarter only one account, a quarter
 * the beginnings and ends of calls.
 */
export const MIX = ['all', 'account', 'names'] as const;
export type Share = (typeof MIX)[number];

const NAMES = ['CHANNEL_CREATE', 'CHANNEL_DESTROY'];

/** Consumers take their shares in turn. */
const TURNS: readonly Share[] = ['all', 'account', 'all', 'names'];
export const shareOf = (index: number): Share => TURNS[index % TURNS.length] ?? 'all';

export function filtersOf(share: Share, accounts: readonly string[]): Filters {
  if (share === 'account') return { accounts: accounts.slice(0, 1) };
  return share === 'names' ? { events: NAMES } : {};
}

/** What a consumer of this share is owed. */
export function scopeOf(share: Share, options: { calls: number; accounts: readonly string[] }): Scope {
  const { calls, accounts } = options;
  const [first = ''] = accounts;
  return {
    calls,
    owesCall: share === 'account' ? (call) => accountOf(call, accounts) === first : () => true,
    names: share === 'names' ? new Set(NAMES) : null,
    isFromStart: false,
  };
}
