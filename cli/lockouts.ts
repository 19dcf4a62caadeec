import { z } from 'zod';
import { LOCKOUTS_PATH } from '../protocol/paths.ts';
import type { Environment } from '../runtime/lifecycle/environment.ts';
import { answering, CommandFault, listing, openEndpoint, type ListFlags } from './administration.ts';
import { columns } from './columns.ts';
import { printable, type Terminal } from './terminal.ts';

export interface LiftFlags {
  readonly user?: string;
  readonly address?: string;
  readonly all?: boolean;
}

const COLUMNS = ['id', 'scope', 'username', 'domain', 'address', 'failures', 'next_try_at', 'until'] as const;
const listed = z.object({
  lockouts: z.array(
    z.object({
      id: z.string(),
      scope: z.string(),
      username: z.string().nullable(),
      domain: z.string().nullable(),
      address: z.string().nullable(),
      failures: z.int(),
      next_try_at: z.string(),
      until: z.string(),
    }),
  ),
});
const lifted = z.object({ lifted: z.array(z.string()) });

const USAGE = 'name the lock-out by one of its ID, --user NAME, --address ADDRESS and --all';

/** Prints the users and addresses whose logins are delayed; `-` is any. Returns the exit code. */
export function listLockoutsCommand(flags: ListFlags, terminal: Terminal, environment: Environment): Promise<number> {
  return listing(
    flags,
    { terminal, environment },
    (ask) => ask(LOCKOUTS_PATH, listed),
    ({ lockouts }) => columns(COLUMNS, lockouts.map(rowOf)),
  );
}

function rowOf(lockout: z.output<typeof listed>['lockouts'][number]) {
  const cells = COLUMNS.map((column) => [column, lockout[column] ?? '-'] as const);
  return Object.fromEntries(cells) as Record<(typeof COLUMNS)[number], string | number>;
}

/** Ends delays and prints which. Returns the exit code. */
export function liftLockoutsCommand(
  id: string | undefined,
  flags: LiftFlags,
  terminal: Terminal,
  environment: Environment,
): Promise<number> {
  return answering(terminal, async () => {
    const request = requestOf(id, flags);
    const ask = await openEndpoint(environment);
    const answer = await ask(`${LOCKOUTS_PATH}/lift`, lifted, request);
    for (const one of answer.lifted) terminal.output.write(`lifted ${printable(one)}\n`);
    if (answer.lifted.length === 0) terminal.output.write('there is no lock-out\n');
  });
}

function requestOf(id: string | undefined, { user, address, all = false }: LiftFlags): object {
  const requests = [
    ...(id === undefined ? [] : [{ id }]),
    ...(user === undefined ? [] : [{ username: user }]),
    ...(address === undefined ? [] : [{ address }]),
    ...(all ? [{ all: true }] : []),
  ];
  const [request, other] = requests;
  if (request === undefined || other !== undefined) throw new CommandFault('usage', USAGE);
  return request;
}
