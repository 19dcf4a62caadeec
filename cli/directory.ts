import { directoryAnswerSchema, type DirectoryAnswer } from '../protocol/administration.ts';
import { DIRECTORY_PATH } from '../protocol/paths.ts';
import type { Environment } from '../runtime/lifecycle/environment.ts';
import { CommandFault, listing, type Ask, type ListFlags } from './administration.ts';
import { columns } from './columns.ts';
import type { Terminal } from './terminal.ts';

export interface DirectoryFlags extends ListFlags {
  readonly parent?: string;
  readonly account?: string;
  readonly domain?: string;
}

const COLUMNS = ['account', 'name', 'realm', 'parent', 'state', 'user', 'user_state', 'privacy'] as const;
const PAGE_SIZE = 1_000;

/**
 * Prints accounts and users as one replica has them: one line for each user, or one for an account without any. Returns
 * the exit code.
 */
export function directoryListCommand(
  flags: DirectoryFlags,
  terminal: Terminal,
  environment: Environment,
): Promise<number> {
  const { json = false, ...selectors } = flags;
  const chosen = Object.entries(selectors);
  return listing(
    { json },
    { terminal, environment },
    (ask) => readAll(ask, chosen),
    ({ accounts }) => columns(COLUMNS, accounts.flatMap(rowsOf)),
  );
}

async function readAll(
  ask: Ask,
  chosen: readonly (readonly [string, string])[],
): Promise<Omit<DirectoryAnswer, 'next'>> {
  if (chosen.length > 1) throw new CommandFault('usage', 'give one of --parent, --account and --domain');
  const accounts: DirectoryAnswer['accounts'] = [];
  let query = new URLSearchParams({ limit: String(PAGE_SIZE), ...Object.fromEntries(chosen) });
  while (true) {
    const page: DirectoryAnswer = await ask(`${DIRECTORY_PATH}?${query.toString()}`, directoryAnswerSchema);
    accounts.push(...page.accounts);
    if (page.next === null) return { status: page.status, accounts };
    query = new URLSearchParams(query);
    query.set('after', page.next);
  }
}

function rowsOf({ id, name, realm, parent, enabled, active, users }: DirectoryAnswer['accounts'][number]) {
  const state = enabled ? (active ? 'enabled' : 'disabled above') : 'disabled';
  const account = { account: id, name, realm: realm === '' ? '-' : realm, parent: parent ?? '-', state };
  if (users.length === 0) return [{ ...account, user: '-', user_state: '-', privacy: '-' }];
  return users.map((user) => ({
    ...account,
    user: user.username,
    user_state: user.enabled ? 'enabled' : 'disabled',
    privacy: user.privacy ?? '-',
  }));
}
