import type { FrameErrorCode } from '../../protocol/frame-error.ts';
import type { Scope } from '../subscription/scope.ts';
import { isKnownEvent } from '../../protocol/catalogue.ts';
import type { Filter } from '../../protocol/client-frame.ts';
import { authorise } from '../auth/authorise.ts';
import type { Grant } from '../auth/grant.ts';
import type { Directory } from '../directory/directory.ts';

export type Narrowed =
  | { readonly ok: true; readonly grant: Grant }
  | { readonly ok: false; readonly code: FrameErrorCode; readonly detail: string };

/** A filter within a token's grant. One that exceeds the grant is refused, never silently narrowed. Pure. */
export function narrow(grant: Grant, filter: Filter, directory: Directory, scope: Scope): Narrowed {
  const beyond = (filter.accounts ?? []).filter((id) => grant.accounts !== null && !grant.accounts.includes(id));
  if (beyond.length > 0)
    return refused('account_not_granted', `not within this token: ${beyond.slice(0, 20).join(', ')}`);
  const ungranted = (filter.events ?? []).filter((name) => grant.events !== null && !grant.events.includes(name));
  if (ungranted.length > 0)
    return refused('event_not_granted', `not within this token: ${ungranted.slice(0, 20).join(', ')}`);
  // As at login: with a mistyped name, the stream would be silently empty.
  const unknown = (filter.events ?? []).filter((name) => !isKnownEvent(name, scope.filters.additionalEvents));
  if (unknown.length > 0) return refused('unknown_event', `no event has this name: ${unknown.slice(0, 20).join(', ')}`);
  const account = directory.accounts.get(grant.account);
  if (account === undefined) return refused('account_gone', 'the account of this token is no longer there');
  const asked = { account, accounts: filter.accounts ?? grant.accounts, events: filter.events ?? grant.events };
  const authorised = authorise(asked, directory, scope);
  if (!authorised.ok) return refused(authorised.problem.code, authorised.problem.detail);
  const { privacy } = grant;
  return { ok: true, grant: { ...authorised.grant, ...(privacy !== undefined && { privacy }) } };
}

/** The intersection of two grants of one account; null when it is empty. Pure. */
export function intersect(one: Grant, other: Grant): Grant | null {
  const accounts = common(one.accounts, other.accounts);
  const events = common(one.events, other.events);
  if (accounts?.length === 0 || events?.length === 0) return null;
  // What both profiles show.
  const privacy = [...new Set([...(one.privacy ?? []), ...(other.privacy ?? [])])];
  return { account: one.account, accounts, events, ...(privacy.length > 0 && { privacy }) };
}

function common(one: readonly string[] | null, other: readonly string[] | null): readonly string[] | null {
  if (one === null || other === null) return one ?? other;
  return one.filter((item) => other.includes(item));
}

function refused(code: FrameErrorCode, detail: string): Narrowed {
  return { ok: false, code, detail };
}
