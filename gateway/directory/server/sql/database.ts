import { createConnection } from 'mysql2/promise';
import { Client } from 'pg';
import type { ServedEntries } from '../entries.ts';
import { SourceUnavailable } from '../feed.ts';
import { accountsFrom, usersFrom, type Queries } from './queries.ts';

export interface DatabasePlace {
  readonly url: URL;
  /** PEM of authorities: TLS is asked for then; null: as the URL says. */
  readonly ca: string | null;
}

/** Rows of a query. */
type Ask = (sql: string) => Promise<readonly unknown[]>;

const CONNECT_MS = 5_000;
const QUERY_MS = 30_000;

/** Both queries in one transaction that only reads. Rejects with a SourceUnavailable. */
export async function readDatabase(
  place: DatabasePlace,
  queries: Queries,
  signal: AbortSignal,
): Promise<ServedEntries> {
  const isMysql = place.url.protocol.startsWith('mysql') || place.url.protocol.startsWith('mariadb');
  try {
    return await (isMysql ? inMysql : inPostgres)(place, signal, async (ask) => ({
      accounts: accountsFrom(await ask(queries.accounts)),
      users: queries.users === undefined ? [] : usersFrom(await ask(queries.users)),
    }));
  } catch (error) {
    if (error instanceof SourceUnavailable) throw error;
    const { code = 'UNKNOWN' } = error as { code?: string };
    // Error messages of servers repeat parts of the query.
    throw new SourceUnavailable(code, `the database cannot be asked (${code})`);
  }
}

async function inPostgres<T>(
  { url, ca }: DatabasePlace,
  signal: AbortSignal,
  work: (ask: Ask) => Promise<T>,
): Promise<T> {
  const client = new Client({
    connectionString: url.href,
    ...(ca !== null && { ssl: { ca } }),
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: QUERY_MS,
    statement_timeout: QUERY_MS,
    application_name: 'firehose-directory',
  });
  // A broken connection also fails the waiting query, which reports it.
  client.on('error', () => undefined);
  const abort = () => void client.end().catch(() => undefined);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await client.connect();
    await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    return await work(async (sql) => (await client.query<Record<string, unknown>>(sql)).rows);
  } finally {
    signal.removeEventListener('abort', abort);
    await client.end().catch(() => undefined);
  }
}

async function inMysql<T>({ url, ca }: DatabasePlace, signal: AbortSignal, work: (ask: Ask) => Promise<T>): Promise<T> {
  const client = await createConnection({
    host: url.hostname,
    port: Number(url.port || 3306),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
    connectTimeout: CONNECT_MS,
    supportBigNumbers: true,
    ...(ca !== null && { ssl: { ca } }),
  });
  const abort = () => client.destroy();
  signal.addEventListener('abort', abort, { once: true });
  try {
    await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    await client.query('START TRANSACTION READ ONLY');
    return await work(async (sql) => {
      const [rows] = await client.query({ sql, timeout: QUERY_MS });
      return Array.isArray(rows) ? rows : [];
    });
  } finally {
    signal.removeEventListener('abort', abort);
    client.destroy();
  }
}
