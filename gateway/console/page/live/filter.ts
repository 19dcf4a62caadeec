import type { Place } from '../base/route.ts';

/** What the stream is narrowed to; null is everything that the login may see. */
export interface Filter {
  readonly accounts: readonly string[] | null;
  readonly events: readonly string[] | null;
}

export const NO_FILTER: Filter = { accounts: null, events: null };

/** The filter in an address. Pure. */
export function filterOf({ query }: Place): Filter {
  return { accounts: names(query.get('accounts')), events: names(query.get('events')) };
}

function names(text: string | undefined): readonly string[] | null {
  const found = [...new Set((text ?? '').split(',').filter((name) => /^[A-Za-z0-9_-]{1,64}$/.test(name)))];
  return found.length === 0 ? null : found;
}

/** Pure. */
export function filterQuery({ accounts, events }: Filter): Readonly<Record<string, string>> {
  return { accounts: accounts?.join(',') ?? '', events: events?.join(',') ?? '' };
}

export function isSameFilter(one: Filter, other: Filter): boolean {
  return JSON.stringify(filterQuery(one)) === JSON.stringify(filterQuery(other));
}

/** In words. Pure. */
export function filterText({ accounts, events }: Filter): string {
  if (accounts === null && events === null) return 'everything that this login may see';
  const parts = [
    events === null ? 'all events' : events.length > 3 ? `${events.length} kinds of events` : events.join(', '),
    accounts === null ? '' : `of ${accounts.length > 3 ? `${accounts.length} accounts` : accounts.join(', ')}`,
  ];
  return parts.filter((part) => part !== '').join(' ');
}
