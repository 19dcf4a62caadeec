import type { RedisClient } from '../../runtime/redis/client.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { LiveDirectory } from '../directory/directory.ts';
import type { StateFolder } from '../state/state-folder.ts';
import { fileRevocationStore } from './file-store.ts';
import { redisRevocationStore } from './redis-store.ts';
import { Revocations } from './revocations.ts';

export interface RevocationParts {
  /** Null when standalone: revocations are then kept in the state folder. */
  readonly redis: RedisClient | null;
  readonly place: { readonly prefix: string; readonly resource: string };
  readonly state: StateFolder;
  readonly directory: LiveDirectory;
  readonly logger: Logger;
  readonly onAsked: (outcome: string) => void;
}

/** Opens the list of revocations. */
export async function buildRevocations(parts: RevocationParts): Promise<Revocations> {
  const { redis, place, state, directory, logger, onAsked } = parts;
  const store = redis === null ? await fileRevocationStore(state, Date.now) : redisRevocationStore(redis, place);
  return Revocations.open({ store, directory, logger, onAsked, now: Date.now });
}
