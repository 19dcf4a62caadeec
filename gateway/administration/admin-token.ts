import { givenToken } from '../state/given-token.ts';
import { keptToken, type StateFolder } from '../state/state-folder.ts';

/** Reads the administrators' token from a file, or from the state folder, where it is created once. */
export function readAdminToken(file: string | null, state: StateFolder): Promise<string> {
  return file === null ? keptToken(state, 'admin-token') : givenToken(file, 'FIREHOSE_ADMIN_TOKEN_FILE');
}
