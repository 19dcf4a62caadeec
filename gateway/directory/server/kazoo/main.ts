import type { Broker } from '../../../../runtime/amqp/connect.ts';
import { ConfigurationFault } from '../../../../runtime/lifecycle/configuration-fault.ts';
import type { Environment } from '../../../../runtime/lifecycle/environment.ts';
import type { Logger } from '../../../../runtime/logging/logger.ts';
import { readSettings } from '../../../../runtime/settings/read-settings.ts';
import type { ValuesOf } from '../../../../runtime/settings/setting.ts';
import { createServerMetrics } from '../metrics.ts';
import { fileReader, type FileReader } from '../read-files.ts';
import { readPlace } from '../read-place.ts';
import { runDirectoryServer } from '../run-server.ts';
import { serveDirectory, type DirectoryServer } from '../serve-directory.ts';
import { openCrossbar } from './crossbar.ts';
import { hearChanges } from './document-changes.ts';
import { KazooFollower } from './follow-kazoo.ts';
import { DIRECTORY_KAZOO_SETTINGS } from './settings.ts';
import { KazooTree } from './tree.ts';

const WALK_MS = { live: 600_000, alone: 60_000 };

/** Returns the exit code. */
export async function main(environment: Environment): Promise<number> {
  return runDirectoryServer(DIRECTORY_KAZOO_SETTINGS, environment, startKazooDirectory);
}

/** Rejects with a ConfigurationFault that has every fault. */
export async function startKazooDirectory(environment: Environment, logger: Logger): Promise<DirectoryServer> {
  const { values, faults } = readSettings(DIRECTORY_KAZOO_SETTINGS, environment);
  if (faults.length > 0) throw new ConfigurationFault(faults);
  const files = fileReader();
  const { FIREHOSE_KAZOO_API_KEY_FILE: apiKeyFile, FIREHOSE_KAZOO_CA_FILE: caFile } = values;
  await files.secret('FIREHOSE_KAZOO_API_KEY_FILE', apiKeyFile);
  await files.text('FIREHOSE_KAZOO_CA_FILE', caFile);
  const broker = await readBroker(values, files);
  const place = await readPlace(values, files);
  if (files.faults.length > 0 || place === null) throw new ConfigurationFault(files.faults);
  const api = openCrossbar({ url: new URL(values.FIREHOSE_KAZOO_URL), apiKeyFile, caFile });
  const exchange = values.FIREHOSE_AMQP_EXCHANGE;
  const interval = values.FIREHOSE_DIRECTORY_INTERVAL;
  const follower = new KazooFollower({
    tree: new KazooTree(api, values.FIREHOSE_KAZOO_ACCOUNT),
    walkEveryMs: interval === null ? WALK_MS : { live: interval * 1_000, alone: interval * 1_000 },
    hear: broker && ((heard, signal) => hearChanges({ broker, exchange, logger, ...heard }, signal)),
  });
  const metrics = createServerMetrics();
  if (broker !== null) metrics.observeBus(() => follower.isUp);
  return serveDirectory({ place, follow: (feed, signal) => follower.run(feed, signal), metrics, logger });
}

/** Null: none is named, or the reader has the faults. */
async function readBroker(
  values: ValuesOf<typeof DIRECTORY_KAZOO_SETTINGS>,
  files: FileReader,
): Promise<Broker | null> {
  const url = await files.secret('FIREHOSE_AMQP_URL_FILE', values.FIREHOSE_AMQP_URL_FILE);
  const ca = await files.text('FIREHOSE_AMQP_CA_FILE', values.FIREHOSE_AMQP_CA_FILE);
  const pair = await files.pair('FIREHOSE_AMQP_TLS_FOLDER', values.FIREHOSE_AMQP_TLS_FOLDER);
  if (url === null) return null;
  if (!/^amqps?:$/.test(URL.parse(url)?.protocol ?? '')) {
    files.faults.push('FIREHOSE_AMQP_URL_FILE: does not hold a URL as amqps://user:password@host:5671');
    return null;
  }
  const tls = {
    ...(ca !== null && { ca: Buffer.from(ca) }),
    ...(pair !== null && { cert: Buffer.from(pair.cert), key: Buffer.from(pair.key) }),
  };
  return { url, tls, policy: null };
}
