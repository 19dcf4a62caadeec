import type { Live } from '../../runtime/lifecycle/live.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import { followPseudonymKeys } from './follow-keys.ts';
import { Profiles, type Privacy } from './profiles.ts';
import { createPseudonyms } from './pseudonyms.ts';

export interface ProfilesOptions {
  readonly privacy: Live<Privacy>;
  /** Null: pseudonyms use the key of the log. */
  readonly keysFile: string | null;
  readonly ofLog: (text: string) => string;
  readonly logger: Logger;
  /** Stops following the file. */
  readonly signal: AbortSignal;
}

/** The profiles of a resource, with pseudonym keys that are followed. */
export async function openProfiles({ privacy, keysFile, ofLog, logger, signal }: ProfilesOptions): Promise<Profiles> {
  const keys = keysFile === null ? null : await followPseudonymKeys({ path: keysFile, logger, signal });
  return new Profiles(privacy, createPseudonyms({ keys, ofLog }));
}
