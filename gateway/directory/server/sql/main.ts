import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { secretValue } from '../../../../runtime/files/secret-value.ts';
import { aborted } from '../../../../runtime/lifecycle/aborted.ts';
import { ConfigurationFault } from '../../../../runtime/lifecycle/configuration-fault.ts';
import type { Environment } from '../../../../runtime/lifecycle/environment.ts';
import { runUntilSignal } from '../../../../runtime/lifecycle/run-until-signal.ts';
import { createLogger, type Logger } from '../../../../runtime/logging/logger.ts';
import { logLevelOf } from '../../../../runtime/settings/common-settings.ts';
import { readSettings } from '../../../../runtime/settings/read-settings.ts';
import { pusher } from '../push.ts';
import { serveDirectory, type DirectoryServer } from '../serve-directory.ts';
import { readDatabase } from './database.ts';
import { parseQueries } from './queries.ts';
import { DIRECTORY_SQL_SETTINGS } from './settings.ts';

/** env -> config -> serve until a signal. Returns the exit code. */
export async function main(environment: Environment): Promise<number> {
  const logger = createLogger({ level: logLevelOf(environment), pretty: process.stdout.isTTY });
  return runUntilSignal({
    logger,
    settings: DIRECTORY_SQL_SETTINGS,
    environment,
    run: async (signals) => {
      await using server = await startSqlDirectory(environment, logger);
      logger.info({ port: server.port }, 'the directory is served');
      await aborted(signals.drain);
    },
  });
}

/** Rejects with a ConfigurationFault that has every fault. */
export async function startSqlDirectory(environment: Environment, logger: Logger): Promise<DirectoryServer> {
  const { values, faults } = readSettings(DIRECTORY_SQL_SETTINGS, environment);
  if (faults.length > 0) throw new ConfigurationFault(faults);
  const read = reader();
  const url = await read.secret('FIREHOSE_DATABASE_URL_FILE', values.FIREHOSE_DATABASE_URL_FILE);
  const token = await read.secret('FIREHOSE_DIRECTORY_TOKEN_FILE', values.FIREHOSE_DIRECTORY_TOKEN_FILE);
  const queries = await read.queries(values.FIREHOSE_DIRECTORY_QUERIES);
  const ca = await read.text('FIREHOSE_DATABASE_CA_FILE', values.FIREHOSE_DATABASE_CA_FILE);
  const folder = values.FIREHOSE_DIRECTORY_TLS_FOLDER;
  const [cert, key] = await Promise.all(
    ['tls.crt', 'tls.key'].map((name) => read.text('FIREHOSE_DIRECTORY_TLS_FOLDER', folder && join(folder, name))),
  );
  const database = URL.parse(url ?? '');
  if (url !== null && !/^(postgres|postgresql|mysql|mariadb):$/.test(database?.protocol ?? '')) {
    read.faults.push('FIREHOSE_DATABASE_URL_FILE: does not hold a URL as postgres://... or mysql://...');
  }
  if (read.faults.length > 0 || database === null || token === null || queries === null) {
    throw new ConfigurationFault(read.faults);
  }
  return serveDirectory({
    host: values.FIREHOSE_DIRECTORY_HOST,
    port: values.FIREHOSE_DIRECTORY_PORT,
    tls: cert && key ? { cert, key } : null,
    token,
    intervalMs: values.FIREHOSE_DIRECTORY_INTERVAL * 1_000,
    read: (signal) => readDatabase({ url: database, ca }, queries, signal),
    push: pusher(values.FIREHOSE_DIRECTORY_PUSH ?? [], token, logger),
    logger,
  });
}

/** Reads files and collects what is wrong with them. Their content is in no fault. */
function reader() {
  const faults: string[] = [];
  const text = async (name: string, path: string | null) => {
    if (path === null) return null;
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      faults.push(`${name}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
      return null;
    }
  };
  return {
    faults,
    text,
    async secret(name: string, path: string) {
      const content = await text(name, path);
      const value = content === null ? null : secretValue(content);
      if (value === null || 'value' in value) return value?.value ?? null;
      faults.push(`${name}: ${path} ${value.fault}`);
      return null;
    },
    async queries(path: string) {
      const content = await text('FIREHOSE_DIRECTORY_QUERIES', path);
      if (content === null) return null;
      const parsed = parseQueries(content, path);
      faults.push(...parsed.faults.map((fault) => `FIREHOSE_DIRECTORY_QUERIES: ${fault}`));
      return parsed.value;
    },
  };
}
