import { sourcesAnswerSchema, type SourcesAnswer } from '../protocol/administration.ts';
import { SOURCES_PATH } from '../protocol/paths.ts';
import type { Environment } from '../runtime/lifecycle/environment.ts';
import { listing, type ListFlags } from './administration.ts';
import { columns } from './columns.ts';
import type { Terminal } from './terminal.ts';

const COLUMNS = [
  'source',
  'kind',
  'endpoint',
  'replica',
  'state',
  'since',
  'reason',
  'leading',
  'last_gap_until',
] as const;

/**
 * Prints the sources that write into the Redis of a gateway, one line for each replica and endpoint; `-` is none.
 * Returns the exit code.
 */
export function sourcesCommand(flags: ListFlags, terminal: Terminal, environment: Environment): Promise<number> {
  return listing(
    flags,
    { terminal, environment },
    (ask) => ask(SOURCES_PATH, sourcesAnswerSchema),
    ({ sources }) => columns(COLUMNS, sources.flatMap(rowsOf)),
  );
}

function rowsOf({ source, kind, seen_at, endpoints }: SourcesAnswer['sources'][number]) {
  const none = { source, kind, endpoint: '-', replica: '-', state: '-', since: seen_at, reason: '-' };
  const rows = endpoints.flatMap(({ endpoint, replicas, last_gap }) =>
    replicas.map(({ replica, state, since, reason, leading }) => ({
      ...none,
      endpoint,
      replica,
      state,
      since,
      reason: reason === '' ? '-' : reason,
      leading: String(leading),
      last_gap_until: last_gap?.to ?? '-',
    })),
  );
  return rows.length > 0 ? rows : [{ ...none, leading: '-', last_gap_until: '-' }];
}
