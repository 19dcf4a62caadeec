import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import type { DirectoryAnswer } from '../../protocol/administration.ts';
import { DIRECTORY_PATH } from '../../protocol/paths.ts';
import { ACCOUNT_ID } from '../../protocol/subscription/filters.ts';
import { isActive, type Account, type Directory, type User } from '../directory/directory.ts';
import type { DirectoryStatus } from '../directory/live-directory.ts';
import type { Problem } from '../http/problem.ts';
import { onlyMethods, sendProblem } from '../http/respond.ts';
import { limitSchema } from './read-request.ts';

export interface DirectoryRouteOptions {
  readonly directory: () => Directory;
  readonly directoryStatus: () => DirectoryStatus;
}

const accountId = z.string().regex(ACCOUNT_ID);
const query = z
  .strictObject({
    limit: limitSchema,
    after: accountId.optional(),
    /** Empty: accounts without a parent. */
    parent: z.union([z.literal(''), accountId]).optional(),
    account: accountId.optional(),
    domain: z.string().min(1).max(1_024).optional(),
  })
  .refine(({ parent, account, domain }) => [parent, account, domain].filter((one) => one !== undefined).length < 2);
type DirectoryQuery = z.output<typeof query>;

/** Most listed users of one account; `users_total` counts all. */
const MOST_USERS = 100;
/** Most listed ambiguous names. */
const MOST_NAMES = 20;

/**
 * `GET` lists accounts and users as this replica has them: all accounts, those directly below `parent` (empty: the
 * roots), or the one with the id `account` or the name or realm `domain`. No answer contains a password hash.
 */
export function directoryRouter(options: DirectoryRouteOptions): Router {
  const router = Router();
  router
    .route(DIRECTORY_PATH)
    .get((request, response) => answer(request, response, options))
    .all(onlyMethods('GET', 'HEAD'));
  return router;
}

function answer(request: Request, response: Response, options: DirectoryRouteOptions): void {
  const read = query.safeParse(request.query);
  if (!read.success) return sendProblem(response, INVALID_QUERY);
  const directory = options.directory();
  const chosen = choose(directory, read.data);
  if (chosen === null) return sendProblem(response, NOT_IN_DIRECTORY);
  const paged = pageOf(chosen, read.data);
  if (paged === null) return sendProblem(response, NOT_IN_DIRECTORY);
  const { page, next } = paged;
  const users = usersOf(directory, page);
  const found: DirectoryAnswer = {
    status: shownStatus(directory, options.directoryStatus()),
    accounts: page.map((account) => shown(directory, account, users.get(account.id) ?? [])),
    next,
  };
  response.set('Cache-Control', 'no-store').json(found);
}

/** Null when the directory lacks it. */
function choose(directory: Directory, { parent, account, domain }: DirectoryQuery): Iterable<Account> | null {
  if (parent === '') return rootsOf(directory);
  if (parent !== undefined) return directory.accounts.has(parent) ? directory.childrenOf(parent) : null;
  if (account === undefined && domain === undefined) return directory.accounts.values();
  const found = domain === undefined ? directory.accounts.get(account ?? '') : directory.accountByDomain(domain);
  return found === undefined ? null : [found];
}

function* rootsOf({ accounts }: Directory): Iterable<Account> {
  for (const account of accounts.values()) if (account.parent === null) yield account;
}

/** Null when `after` is no longer among them. */
function pageOf(accounts: Iterable<Account>, { after, limit }: DirectoryQuery) {
  const page: Account[] = [];
  let isThere = after === undefined;
  for (const account of accounts) {
    if (isThere && page.length === limit) return { page, next: page.at(-1)?.id ?? null };
    if (isThere) page.push(account);
    else isThere = account.id === after;
  }
  return isThere ? { page, next: null } : null;
}

function usersOf({ users }: Directory, accounts: readonly Account[]): ReadonlyMap<string, readonly User[]> {
  const found = new Map<string, User[]>(accounts.map(({ id }) => [id, []]));
  for (const user of users.values()) found.get(user.account.id)?.push(user);
  return found;
}

function shown(directory: Directory, account: Account, users: readonly User[]): DirectoryAnswer['accounts'][number] {
  const { id, name, realm, parent, enabled } = account;
  return {
    id,
    name,
    realm,
    parent: parent?.id ?? null,
    enabled,
    active: isActive(account),
    children: directory.childrenOf(id).size,
    users: users.slice(0, MOST_USERS).map(({ username, enabled: isOn, privacy }) => ({
      username,
      enabled: isOn,
      privacy,
    })),
    users_total: users.length,
  };
}

function shownStatus(
  { accounts, users, ambiguousNames }: Directory,
  status: DirectoryStatus,
): DirectoryAnswer['status'] {
  const { loadedAt, confirmedAt, fault, faults } = status;
  return {
    accounts: accounts.size,
    users: users.size,
    loaded_at: new Date(loadedAt).toISOString(),
    confirmed_at: confirmedAt === null ? null : new Date(confirmedAt).toISOString(),
    fault,
    faults,
    ambiguous_names: ambiguousNames.slice(0, MOST_NAMES),
  };
}

const INVALID_QUERY: Problem = {
  status: 400,
  code: 'invalid_query',
  detail:
    "The query takes limit, from 1 to 1000, after, the 'next' of the page before, and one of parent (empty: the roots), account and domain.",
};

const NOT_IN_DIRECTORY: Problem = {
  status: 404,
  code: 'not_in_directory',
  detail: 'The directory of this replica has no such account.',
};
