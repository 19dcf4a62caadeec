import type { GatewayConfig } from '../config.ts';
import { DirectoryFault } from './fault.ts';
import { readCredentials, type HttpDirectoryConfig } from './http/configuration.ts';
import { fetchSnapshot } from './http/fetch-snapshot.ts';
import { readApart } from './http/read-apart.ts';
import type { IndexedDirectory } from './directory-index.ts';
import { parseDirectory } from './parse-directory.ts';
import { readText, unreadable } from '../../runtime/files/text-file.ts';

/** The directory as it is now, once, from its file or its server. Rejects with a DirectoryFault. */
export async function loadDirectory({
  directoryFile,
  directoryServer,
}: Pick<GatewayConfig, 'directoryFile' | 'directoryServer'>): Promise<IndexedDirectory> {
  return directoryServer === null ? fromFile(directoryFile) : fromServer(directoryServer);
}

async function fromFile(path: string): Promise<IndexedDirectory> {
  let text: string;
  try {
    text = await readText(path);
  } catch (error) {
    throw new DirectoryFault('directory_unreadable', [{ where: 'the file', message: unreadable(error) }]);
  }
  const parsed = parseDirectory(text);
  if (!parsed.ok) throw new DirectoryFault('directory_invalid', parsed.faults);
  return parsed.directory;
}

async function fromServer(server: HttpDirectoryConfig): Promise<IndexedDirectory> {
  const { url, policy } = server;
  const { signal } = new AbortController();
  const fetched = await fetchSnapshot({ url, policy, ...(await readCredentials(server)), etag: null, signal });
  if (fetched.kind !== 'changed') throw new Error('unreachable: the question had no condition');
  const { body, format } = fetched;
  const read = await readApart({ body, format, known: null, pack: false, signal });
  if (read === null) throw new Error('unreachable: no snapshot is known');
  return read.directory;
}
