import { CALL_END_CORRECTED } from '../../protocol/catalogue.ts';
import { unescapeValue } from '../../protocol/entry.ts';
import type { Grant } from '../auth/grant.ts';
import { isWithin, type Account, type Directory } from '../directory/directory.ts';
import type { View } from './view.ts';

/** The views that get an event; `outcome` says why there may be none. */
export interface Route {
  readonly views: readonly View[];
  readonly outcome: 'known' | 'unknown_account' | 'not_offered';
  readonly name: string;
  /** As the entry names it; empty when it names none. */
  readonly accountId: string;
  /** Null when the directory lacks it. */
  readonly account: Account | null;
}

/** Whether the resource offers this event of this account at all. Pure. */
export type Offer = (name: string, account: Account) => boolean;

/** Views of one account, by their events. */
interface Bucket {
  readonly anyEvent: Set<View>;
  readonly byEvent: Map<string, Set<View>>;
}

const NOBODY: readonly View[] = [];
const MAX_MEMO = 100_000;

/**
 * (account, event name) -> views, by the present account tree (I5). A miss costs O(depth) look-ups, whatever the number
 * of views; a hit costs one. The memo's key is the piece of the meta line with name and account, so that a hit needs no
 * parsing. Any change of views or directory drops the memo.
 */
export class RouteIndex {
  readonly #subtree = new Map<string, Bucket>();
  readonly #exact = new Map<string, Bucket>();
  readonly #memo = new Map<string, Route>();
  readonly #offers: Offer;
  #directory: Directory;
  /** Increases with each change of the directory: earlier decisions must be made again. */
  version = 0;

  constructor(directory: Directory, offers: Offer) {
    this.#directory = directory;
    this.#offers = offers;
  }

  /** Number of accounts that views name. */
  get buckets(): number {
    return this.#subtree.size + this.#exact.size;
  }

  useDirectory(directory: Directory): void {
    this.#directory = directory;
    this.version += 1;
    this.#memo.clear();
  }

  add(view: View): void {
    for (const [buckets, account] of this.#places(view)) {
      let bucket = buckets.get(account);
      if (bucket === undefined) buckets.set(account, (bucket = { anyEvent: new Set(), byEvent: new Map() }));
      if (view.events === null) bucket.anyEvent.add(view);
      for (const name of view.events ?? []) {
        const views = bucket.byEvent.get(name);
        if (views === undefined) bucket.byEvent.set(name, new Set([view]));
        else views.add(view);
      }
    }
    this.#memo.clear();
  }

  remove(view: View): void {
    for (const [buckets, account] of this.#places(view)) {
      const bucket = buckets.get(account);
      if (bucket === undefined) continue;
      bucket.anyEvent.delete(view);
      for (const name of view.events ?? []) {
        const views = bucket.byEvent.get(name);
        views?.delete(view);
        if (views?.size === 0) bucket.byEvent.delete(name);
      }
      if (bucket.anyEvent.size === 0 && bucket.byEvent.size === 0) buckets.delete(account);
    }
    this.#memo.clear();
  }

  /** `meta` is an entry's meta line that is already known not to be poison. */
  match(meta: string): Route {
    const key = routeKey(meta);
    const known = this.#memo.get(key);
    if (known !== undefined) return known;
    const route = this.#resolve(key);
    if (this.#memo.size >= MAX_MEMO) this.#memo.clear();
    this.#memo.set(key, route);
    return route;
  }

  #resolve(key: string): Route {
    const tab = key.indexOf('\t');
    const name = unescapeValue(key.slice(0, tab));
    const accountId = unescapeValue(key.slice(tab + 1));
    const account = this.#directory.accounts.get(accountId);
    if (account === undefined) return { views: NOBODY, outcome: 'unknown_account', name, accountId, account: null };
    if (!this.#offers(name, account)) return { views: NOBODY, outcome: 'not_offered', name, accountId, account };
    const views: View[] = [];
    for (let at: Account | null = account; at !== null; at = at.parent) collect(this.#subtree.get(at.id), name, views);
    const exact: View[] = [];
    collect(this.#exact.get(account.id), name, exact);
    for (const view of exact) if (isWithin(account, view.root)) views.push(view);
    return { views, outcome: 'known', name, accountId, account };
  }

  *#places(view: View): Iterable<[Map<string, Bucket>, string]> {
    if (view.accounts === null) yield [this.#subtree, view.root];
    else for (const account of view.accounts) yield [this.#exact, account];
  }
}

function collect(bucket: Bucket | undefined, name: string, into: View[]): void {
  if (bucket === undefined) return;
  if (name !== CALL_END_CORRECTED) for (const view of bucket.anyEvent) into.push(view);
  for (const view of bucket.byEvent.get(name) ?? []) into.push(view);
}

/** The accounts and events of a grant; null is all of them. */
export interface Wanted {
  readonly root: string;
  readonly accounts: ReadonlySet<string> | null;
  readonly events: ReadonlySet<string> | null;
}

export function wantedBy(grant: Grant): Wanted {
  return {
    root: grant.account,
    accounts: grant.accounts === null ? null : new Set(grant.accounts),
    events: grant.events === null ? null : new Set(grant.events),
  };
}

/** Whether this one view gets the event: the same answer as `match`, for a connection that pulls by itself. */
export function accepts(view: Wanted, route: Route): boolean {
  if (route.outcome !== 'known' || route.account === null) return false;
  if (view.events === null ? route.name === CALL_END_CORRECTED : !view.events.has(route.name)) return false;
  if (view.accounts !== null && !view.accounts.has(route.account.id)) return false;
  return isWithin(route.account, view.root);
}

/** `<name>\t<account>` out of `1\t<name>\t<account>\t...`, unchanged. */
function routeKey(meta: string): string {
  const nameEnd = meta.indexOf('\t', 2);
  const accountEnd = nameEnd < 0 ? -1 : meta.indexOf('\t', nameEnd + 1);
  if (nameEnd < 0) return `${meta.slice(2)}\t`;
  return accountEnd < 0 ? meta.slice(2) : meta.slice(2, accountEnd);
}
