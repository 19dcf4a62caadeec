import { z } from 'zod';
import { CONNECTIONS_PATH } from '../protocol/paths.ts';
import { answering, openEndpoint, type EndpointFlags, type Environment } from './administration.ts';
import { printable, type Terminal } from './terminal.ts';

const page = z.object({
  connections: z.array(
    z.object({
      session: z.string(),
      account: z.string(),
      username: z.string(),
      since: z.string(),
      address: z.string(),
      contract: z.string(),
      behind: z.boolean(),
    }),
  ),
  next: z.string().nullable(),
});
const COLUMNS = ['session', 'account', 'username', 'since', 'address', 'contract', 'behind'] as const;
const A_PAGE = 1_000;

/** Prints the live connections of one gateway replica, a line each, columns apart by tabs. Returns the exit code. */
export function connectionsCommand(
  flags: EndpointFlags,
  terminal: Terminal,
  environment: Environment,
): Promise<number> {
  return answering(terminal, async () => {
    const ask = await openEndpoint(flags, environment);
    let after: string | null = '0';
    let isFirst = true;
    while (after !== null) {
      const query: string = new URLSearchParams({ limit: String(A_PAGE), after }).toString();
      const { connections, next }: z.output<typeof page> = await ask(`${CONNECTIONS_PATH}?${query}`, page);
      if (isFirst) terminal.output.write(`${COLUMNS.join('\t')}\n`);
      isFirst = false;
      for (const connection of connections) {
        terminal.output.write(`${COLUMNS.map((column) => printable(String(connection[column]))).join('\t')}\n`);
      }
      after = next;
    }
  });
}
