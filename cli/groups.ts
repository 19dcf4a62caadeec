import { z } from 'zod';
import { GROUPS_PATH } from '../protocol/paths.ts';
import type { Environment } from '../runtime/lifecycle/environment.ts';
import { listing, type ListFlags } from './administration.ts';
import { columns } from './columns.ts';
import type { Terminal } from './terminal.ts';

const member = z.object({ account: z.string(), replica: z.string(), connections: z.int(), hung: z.int() });
const listed = z.object({
  groups: z.array(
    z.object({
      group: z.string(),
      accounts: z.int().nullable(),
      lag: z.int().nullable(),
      oldest_pending_at: z.string().nullable(),
      members: z.array(member),
    }),
  ),
});
const COLUMNS = ['group', 'accounts', 'lag', 'oldest_pending_at', 'connections', 'hung'] as const;

/** Prints the declared groups of a gateway, over all replicas; `-` is unknown. Returns the exit code. */
export function groupsCommand(flags: ListFlags, terminal: Terminal, environment: Environment): Promise<number> {
  return listing(
    flags,
    { terminal, environment },
    (ask) => ask(GROUPS_PATH, listed),
    ({ groups }) =>
      columns(
        COLUMNS,
        groups.map(({ group, accounts, lag, oldest_pending_at, members }) => ({
          group,
          accounts: accounts ?? '-',
          lag: lag ?? '-',
          oldest_pending_at: oldest_pending_at ?? '-',
          connections: members.reduce((sum, { connections }) => sum + connections, 0),
          hung: members.reduce((sum, { hung }) => sum + hung, 0),
        })),
      ),
  );
}
