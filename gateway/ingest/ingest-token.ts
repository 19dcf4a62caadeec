import { givenToken } from '../state/given-token.ts';
import { keptToken, type StateFolder } from '../state/state-folder.ts';

/** The token of producers, from a file, or created by the gateway. Null: there is no ingest endpoint. */
export async function readIngestToken(file: string | null, state: StateFolder): Promise<string | null> {
  if (file === 'none') return null;
  return file === null ? keptToken(state, 'ingest-token') : givenToken(file, 'FIREHOSE_INGEST_TOKEN_FILE');
}
