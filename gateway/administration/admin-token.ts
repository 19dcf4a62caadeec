import { givenToken } from '../state/given-token.ts';
import { keptToken, type StateFolder } from '../state/state-folder.ts';

/** The token that administrators present, from a file or one of our own. */
export function readAdminToken(file: string | null, state: StateFolder): Promise<string> {
  return file === null ? keptToken(state, 'admin-token') : givenToken(file, 'FIREHOSE_ADMIN_TOKEN_FILE');
}
