import { isActive, isWithin, type Account, type Directory } from '../directory/directory.ts';
import type { Problem } from '../http/problem.ts';
import type { Scope } from '../subscription/scope.ts';
import type { Grant, VerifiedToken } from './grant.ts';

export interface AuthoriseRequest {
  /** The login's account, if the resource serves it. */
  readonly account: Account;
  readonly accounts: readonly string[] | null;
  readonly events: readonly string[] | null;
}

export type Authorised =
  | { readonly ok: true; readonly grant: Grant }
  | { readonly ok: false; readonly problem: Problem & { readonly code: BeyondCode } };

type BeyondCode = 'foreign_account' | 'account_not_offered' | 'event_not_offered';

const NAMED = 20;

/** Whether users of this account may log in at this resource at all. */
export function isServed(account: Account, scope: Scope): boolean {
  return scope.account.includeDescendants ? isWithin(account, scope.account.id) : account.id === scope.account.id;
}

/**
 * Whether the account and the user of a token exist and are enabled. The directory may lack a user that another server
 * accepted; if it has that user as disabled, the answer is no.
 */
export function isStillThere(directory: Directory, token: VerifiedToken): boolean {
  const account = directory.accounts.get(token.grant.account);
  if (account === undefined || !isActive(account)) return false;
  return directory.userOf(account, token.username)?.enabled ?? token.via !== undefined;
}

/**
 * The profiles that apply to the client of a token besides the default: those in the token, and the present one of its
 * user.
 */
export function profilesOf(directory: Directory, { grant, username }: VerifiedToken): readonly string[] {
  const account = directory.accounts.get(grant.account);
  const own = account && directory.userOf(account, username)?.privacy;
  const carried = grant.privacy ?? NONE;
  return own === undefined || own === null || carried.includes(own) ? carried : [...carried, own];
}

const NONE: readonly string[] = [];

/**
 * The grant of a login: its request, within its own subtree and within what the resource offers. A filter that excludes
 * everything is refused: a stream is never silently empty.
 */
export function authorise(request: AuthoriseRequest, directory: Directory, scope: Scope): Authorised {
  const { account } = request;
  const foreign = (request.accounts ?? []).filter((id) => !isBelow(directory, id, account.id));
  if (foreign.length > 0) {
    const field = `accounts[${request.accounts?.indexOf(foreign[0] ?? '') ?? 0}]`;
    // The answer does not reveal whether the account exists in another subtree.
    return forbidden('foreign_account', `not within the account of this login: ${named(foreign)}`, {
      field,
      extra: { accounts: foreign.slice(0, NAMED) },
    });
  }
  const offered = (id: string) => offersAccount(directory, id, scope);
  const accounts = request.accounts?.filter(offered) ?? null;
  const reachable = accounts ?? scope.filters.accounts.filter((id) => isBelow(directory, id, account.id));
  if (reachable.length === 0 && (accounts !== null || scope.filters.accounts.length > 0)) {
    const asked = request.accounts ?? [account.id];
    return forbidden('account_not_offered', `the resource offers no events of: ${named(asked)}`, {
      field: 'accounts',
      extra: { accounts: asked.slice(0, NAMED) },
    });
  }
  const events = request.events?.filter((name) => offersEvent(name, scope)) ?? null;
  if (events !== null && events.length === 0) {
    const asked = request.events ?? [];
    return forbidden('event_not_offered', `the resource offers none of: ${named(asked)}`, {
      field: 'events',
      extra: { events: asked.slice(0, NAMED) },
    });
  }
  return { ok: true, grant: { account: account.id, accounts, events } };
}

function isBelow(directory: Directory, id: string, ancestor: string): boolean {
  const account = directory.accounts.get(id);
  return account !== undefined && isWithin(account, ancestor);
}

function offersAccount(directory: Directory, id: string, scope: Scope): boolean {
  const account = directory.accounts.get(id);
  if (account === undefined || !isServed(account, scope)) return false;
  return scope.filters.accounts.length === 0 || scope.filters.accounts.includes(id);
}

function offersEvent(name: string, { filters }: Scope): boolean {
  return (filters.events.length === 0 || filters.events.includes(name)) && !filters.excludeEvents.includes(name);
}

function named(names: readonly string[]): string {
  const rest = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  return names.slice(0, NAMED).join(', ') + rest;
}

function forbidden(code: BeyondCode, detail: string, more: Pick<Problem, 'field' | 'extra'>): Authorised {
  return { ok: false, problem: { status: 403, code, detail, ...more } };
}
