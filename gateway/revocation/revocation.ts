import { MAX_TOKEN_TTL, durationMs } from '../../protocol/subscription.ts';
import type { VerifiedToken } from '../auth/grant.ts';
import type { Directory } from '../directory/directory.ts';
import { foldName } from '../directory/fold.ts';

/** Which tokens are revoked: one, all of a user, or all of an account and its descendants. */
export type Revoked =
  | { readonly jti: string }
  | { readonly user: { readonly account: string; readonly username: string } }
  | { readonly account: string };

/**
 * Revocations by subject (see `subjectOf`), with the mark of each: microseconds since 1970, and above every earlier
 * mark.
 */
export type RevokedList = ReadonlyMap<string, number>;

/** Longest lifetime of a token, with leeway and clock drift: after it no token is left to stop. */
export const LIFETIME_US = (durationMs(MAX_TOKEN_TTL) + 60_000) * 1_000;

const SUBJECT = /^(?:jti:[A-Za-z0-9-]{1,64}|account:[A-Za-z0-9_-]{1,64}|user:[A-Za-z0-9_-]{1,64}\/.{1,1024})$/s;

export function subjectOf(revoked: Revoked): string {
  if ('jti' in revoked) return `jti:${revoked.jti}`;
  if ('account' in revoked) return `account:${revoked.account}`;
  return `user:${revoked.user.account}/${foldName(revoked.user.username)}`;
}

export function isSubject(text: string): boolean {
  return SUBJECT.test(text);
}

/** Reads a text that `subjectOf` wrote. */
export function revokedOf(subject: string): Revoked {
  const rest = subject.slice(subject.indexOf(':') + 1);
  if (subject.startsWith('jti:')) return { jti: rest };
  if (subject.startsWith('account:')) return { account: rest };
  const slash = rest.indexOf('/');
  return { user: { account: rest.slice(0, slash), username: rest.slice(slash + 1) } };
}

/**
 * Whether a token is revoked: itself, or because its user or account was revoked after its login. Marks decide the
 * order, not clocks: a token contains the newest mark that was known before its login was judged.
 */
export function isRevoked(
  list: RevokedList,
  token: Pick<VerifiedToken, 'grant' | 'username' | 'id' | 'mark'>,
  directory: Directory,
): boolean {
  if (list.size === 0) return false;
  if (list.has(subjectOf({ jti: token.id }))) return true;
  const { account } = token.grant;
  const isAfter = (revoked: Revoked) => (list.get(subjectOf(revoked)) ?? -1) > token.mark;
  if (isAfter({ user: { account, username: token.username } })) return true;
  if (isAfter({ account })) return true;
  for (let above = directory.accounts.get(account)?.parent ?? null; above !== null; above = above.parent) {
    if (isAfter({ account: above.id })) return true;
  }
  return false;
}

/** The newest mark, 0 when there was no revocation. */
export function newestMark(list: RevokedList): number {
  let newest = 0;
  for (const mark of list.values()) if (mark > newest) newest = mark;
  return newest;
}

/** Combines both lists, without entries that have ended by `nowUs`; returns `list` itself when nothing changes. */
export function merge(list: RevokedList, added: RevokedList, nowUs: number): RevokedList {
  const merged = new Map(list);
  let changed = false;
  for (const [subject, mark] of added) {
    if (mark <= (merged.get(subject) ?? -1) || isOver(mark, nowUs)) continue;
    merged.set(subject, mark);
    changed = true;
  }
  for (const [subject, mark] of merged) {
    if (isOver(mark, nowUs)) changed = merged.delete(subject);
  }
  return changed ? merged : list;
}

function isOver(mark: number, nowUs: number): boolean {
  return mark + LIFETIME_US <= nowUs;
}
