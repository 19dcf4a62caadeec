import { setTimeout as delay } from 'node:timers/promises';
import { ConfigurationFault } from '../../../../runtime/lifecycle/configuration-fault.ts';
import type { Environment } from '../../../../runtime/lifecycle/environment.ts';
import type { Logger } from '../../../../runtime/logging/logger.ts';
import { readSettings } from '../../../../runtime/settings/read-settings.ts';
import { createServerMetrics } from '../metrics.ts';
import { fileReader, type FileReader } from '../read-files.ts';
import { readPlace } from '../read-place.ts';
import { runDirectoryServer } from '../run-server.ts';
import { serveDirectory, type DirectoryServer } from '../serve-directory.ts';
import { readDatabase } from './database.ts';
import { parseQueries } from './queries.ts';
import { DIRECTORY_SQL_SETTINGS } from './settings.ts';

const READ_LIMIT_MS = 60_000;

/** Returns the exit code. */
export async function main(environment: Environment): Promise<number> {
  return runDirectoryServer(DIRECTORY_SQL_SETTINGS, environment, startSqlDirectory);
}

/** Rejects with a ConfigurationFault that has every fault. */
export async function startSqlDirectory(environment: Environment, logger: Logger): Promise<DirectoryServer> {
  const { values, faults } = readSettings(DIRECTORY_SQL_SETTINGS, environment);
  if (faults.length > 0) throw new ConfigurationFault(faults);
  const files = fileReader();
  const url = await files.secret('FIREHOSE_DATABASE_URL_FILE', values.FIREHOSE_DATABASE_URL_FILE);
  const queries = await readQueries(files, values.FIREHOSE_DIRECTORY_QUERIES);
  const ca = await files.text('FIREHOSE_DATABASE_CA_FILE', values.FIREHOSE_DATABASE_CA_FILE);
  const place = await readPlace(values, files);
  const database = URL.parse(url ?? '');
  if (url !== null && !/^(postgres|postgresql|mysql|mariadb):$/.test(database?.protocol ?? '')) {
    files.faults.push('FIREHOSE_DATABASE_URL_FILE: does not hold a URL as postgres://... or mysql://...');
  }
  if (files.faults.length > 0 || database === null || place === null || queries === null) {
    throw new ConfigurationFault(files.faults);
  }
  const intervalMs = values.FIREHOSE_DIRECTORY_INTERVAL * 1_000;
  return serveDirectory({
    place,
    async follow(feed, signal) {
      while (!signal.aborted) {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(READ_LIMIT_MS)]);
        await feed.replace(() => readDatabase({ url: database, ca }, queries, limit));
        await delay(intervalMs, undefined, { signal }).catch(() => undefined);
      }
    },
    metrics: createServerMetrics(),
    logger,
  });
}

async function readQueries(files: FileReader, path: string) {
  const content = await files.text('FIREHOSE_DIRECTORY_QUERIES', path);
  if (content === null) return null;
  const parsed = parseQueries(content, path);
  files.faults.push(...parsed.faults.map((fault) => `FIREHOSE_DIRECTORY_QUERIES: ${fault}`));
  return parsed.value;
}
