import { z } from 'zod';
import { REVOCATIONS_PATH } from '../protocol/paths.ts';
import type { Environment } from '../runtime/lifecycle/environment.ts';
import { answering, CommandFault, openEndpoint } from './administration.ts';
import { printable, readSecret, type Terminal } from './terminal.ts';

export interface RevokeFlags {
  readonly user?: string;
  readonly domain?: string;
  readonly account?: string;
  readonly jti?: string;
  readonly tokenStdin?: boolean;
}

const answer = z.object({
  revoked: z.union([
    z.object({ jti: z.string() }),
    z.object({ user: z.object({ account: z.string(), username: z.string() }) }),
    z.object({ account: z.string() }),
  ]),
  until: z.string(),
  closed: z.int(),
});

const USAGE =
  'name what to revoke: --user NAME with --domain NAME or --account ID, or one of --account ID, --jti ID and --token-stdin';

/** Revokes tokens through a running gateway and prints the outcome. Returns the exit code. */
export function revokeCommand(flags: RevokeFlags, terminal: Terminal, environment: Environment): Promise<number> {
  return answering(terminal, async () => {
    const request = await requestOf(flags, terminal);
    const ask = await openEndpoint(environment);
    const { revoked, until, closed } = await ask(REVOCATIONS_PATH, answer, request);
    const connections = closed === 1 ? '1 connection' : `${closed} connections`;
    terminal.output.write(
      `revoked ${printable(named(revoked))}: ${connections} closed here, those of other replicas within 2 s; in force until ${printable(until)}\n`,
    );
  });
}

async function requestOf(flags: RevokeFlags, terminal: Terminal): Promise<object> {
  const { user, domain, account, jti, tokenStdin = false } = flags;
  const given = [user !== undefined, domain !== undefined, account !== undefined, jti !== undefined, tokenStdin];
  const count = given.filter(Boolean).length;
  if (user !== undefined && count === 2 && domain !== undefined) return { user: { domain, username: user } };
  if (user !== undefined && count === 2 && account !== undefined) return { user: { account, username: user } };
  if (count !== 1 || user !== undefined || domain !== undefined) throw new CommandFault('usage', USAGE);
  if (account !== undefined) return { account };
  if (jti !== undefined) return { jti };
  const token = (await readSecret(terminal, 'Token')).trim();
  if (token === '') throw new CommandFault('usage', 'no token came on the standard input');
  return { token };
}

function named(revoked: z.output<typeof answer>['revoked']): string {
  if ('jti' in revoked) return `token ${revoked.jti}`;
  if ('account' in revoked) return `account ${revoked.account} and all below it`;
  return `user ${revoked.user.username} of account ${revoked.user.account}`;
}
