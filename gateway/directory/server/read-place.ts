import type { ValuesOf } from '../../../runtime/settings/setting.ts';
import type { FileReader } from './read-files.ts';
import type { ServerPlace } from './serve-directory.ts';
import type { DIRECTORY_SERVER_SETTINGS } from './settings.ts';

/** The place that the shared settings describe; null: the reader has the faults. */
export async function readPlace(
  values: ValuesOf<typeof DIRECTORY_SERVER_SETTINGS>,
  read: FileReader,
): Promise<ServerPlace | null> {
  const token = await read.secret('FIREHOSE_DIRECTORY_TOKEN_FILE', values.FIREHOSE_DIRECTORY_TOKEN_FILE);
  const tls = await read.pair('FIREHOSE_DIRECTORY_TLS_FOLDER', values.FIREHOSE_DIRECTORY_TLS_FOLDER);
  if (token === null) return null;
  return {
    host: values.FIREHOSE_DIRECTORY_HOST,
    port: values.FIREHOSE_DIRECTORY_PORT,
    inner: { host: values.FIREHOSE_INNER_HOST, port: values.FIREHOSE_INNER_PORT },
    tls,
    token,
    pushUrls: values.FIREHOSE_DIRECTORY_PUSH ?? [],
  };
}
