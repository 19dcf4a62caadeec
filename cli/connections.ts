import { z } from 'zod';
import { CONNECTIONS_PATH } from '../protocol/paths.ts';
import type { Environment } from '../runtime/lifecycle/environment.ts';
import { listing, type Ask, type ListFlags } from './administration.ts';
import { columns } from './columns.ts';
import type { Terminal } from './terminal.ts';

const connection = z.object({
  session: z.string(),
  account: z.string(),
  username: z.string(),
  since: z.string(),
  address: z.string(),
  contract: z.string(),
  behind: z.boolean(),
});
const page = z.object({ connections: z.array(connection), next: z.string().nullable() });
const COLUMNS = ['session', 'account', 'username', 'since', 'address', 'contract', 'behind'] as const;
const PAGE_SIZE = 1_000;

/** Prints the live connections of one gateway replica. Returns the exit code. */
export function connectionsCommand(flags: ListFlags, terminal: Terminal, environment: Environment): Promise<number> {
  return listing(flags, { terminal, environment }, readAll, ({ connections }) => columns(COLUMNS, connections));
}

async function readAll(ask: Ask): Promise<{ readonly connections: readonly z.output<typeof connection>[] }> {
  const all: z.output<typeof connection>[] = [];
  let after: string | null = '0';
  while (after !== null) {
    const query: string = new URLSearchParams({ limit: String(PAGE_SIZE), after }).toString();
    const { connections, next }: z.output<typeof page> = await ask(`${CONNECTIONS_PATH}?${query}`, page);
    all.push(...connections);
    after = next;
  }
  return { connections: all };
}
