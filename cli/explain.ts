import { EXPLAIN_EVENT_PATH } from '../protocol/paths.ts';
import { explanationSchema, type Explanation } from '../protocol/explanation.ts';
import { REASONS } from '../protocol/explanation-reason.ts';
import type { Environment } from '../runtime/lifecycle/environment.ts';
import { CommandFault, listing, type ListFlags } from './administration.ts';
import { columns } from './columns.ts';
import { printable, type Terminal } from './terminal.ts';

export interface ExplainFlags extends ListFlags {
  readonly event?: string;
  readonly callId?: string;
  readonly cursor?: string;
  readonly at?: string;
  readonly session?: string;
  readonly tokenId?: string;
  readonly user?: string;
  readonly domain?: string;
  readonly account?: string;
  readonly group?: string;
}

const COLUMNS = [
  'session',
  'replica',
  'contract',
  'opened_at',
  'closed_at',
  'code',
  'behind_max',
  'written',
  'confirmed',
] as const;

/** Prints why an event arrived or not. Returns the exit code. */
export function explainCommand(flags: ExplainFlags, terminal: Terminal, environment: Environment): Promise<number> {
  return listing(
    flags,
    { terminal, environment },
    (ask) => ask(`${EXPLAIN_EVENT_PATH}?${queryOf(flags).toString()}`, explanationSchema),
    asText,
  );
}

function queryOf({
  event,
  callId,
  cursor,
  at,
  session,
  tokenId,
  user,
  domain,
  account,
  group,
}: ExplainFlags): URLSearchParams {
  if (event === undefined) throw new CommandFault('usage', 'name the event by --event ID');
  const given = { event, call_id: callId, cursor, at, session, token_id: tokenId, user, domain, account, group };
  const named = Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]));
  return new URLSearchParams(named as [string, string][]);
}

function asText({ event, verdict, reason, checks, sessions, known_since }: Explanation): string {
  const what =
    event === null
      ? 'no event'
      : `${event.name} ${event.id} of ${event.account_id ?? 'no account'} at ${event.position}`;
  const why = reason === null ? '' : `: ${REASONS[reason]} (${reason})`;
  const width = Math.max(0, ...checks.map(({ check }) => check.length));
  const lines = checks.map(
    ({ check, ok, detail }) => `${MARK[String(ok)] ?? ''}  ${check.padEnd(width)}  ${printable(detail)}`,
  );
  const rows = sessions.map((session) => ({
    ...session,
    replica: session.replica ?? '-',
    contract: session.contract ?? '-',
    opened_at: session.opened_at ?? '-',
    closed_at: session.closed_at ?? '-',
    code: session.close_code ?? '-',
    written: session.written ?? '-',
    confirmed: session.confirmed ?? '-',
  }));
  const known = known_since === null ? '' : `the journal knows sessions since ${known_since}\n`;
  const table = rows.length === 0 ? '' : columns(COLUMNS, rows);
  return `${printable(what)}\n${verdict}${why}\n${lines.join('\n')}\n${table}${known}`;
}

/** Labels for a check that is true, false, or unknown. */
const MARK: Readonly<Record<string, string>> = { true: 'ok  ', false: 'no  ', null: '?   ' };
