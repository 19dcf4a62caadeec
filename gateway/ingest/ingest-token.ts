import { readFile } from 'node:fs/promises';
import { ConfigurationFault } from '../../runtime/lifecycle/configuration-fault.ts';
import { keptToken, type StateFolder } from '../state/state-folder.ts';

/** The token that producers present, from a file or one of our own. Null: there is no ingest endpoint. */
export async function readIngestToken(file: string | null, state: StateFolder): Promise<string | null> {
  if (file === 'none') return null;
  if (file === null) return keptToken(state, 'ingest-token');
  let token: string;
  try {
    token = (await readFile(file, 'utf8')).trim();
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new ConfigurationFault([`FIREHOSE_INGEST_TOKEN_FILE: ${file} cannot be read (${code})`]);
  }
  if (token === '') throw new ConfigurationFault([`FIREHOSE_INGEST_TOKEN_FILE: ${file} is empty`]);
  return token;
}
