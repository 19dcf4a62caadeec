import { ConfigurationFault } from '../../runtime/lifecycle/configuration-fault.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import type { KeyRing } from '../auth/signing-keys.ts';
import type { GatewayConfig } from '../config.ts';
import { DirectoryFault } from './fault.ts';
import { openHttpDirectory, type RefreshedDirectory, type RefreshOutcome } from './http/http-directory.ts';
import { redisLastGood } from './http/last-good.ts';
import { redisRefreshSignal } from './http/refresh-signal.ts';
import { openLiveDirectory, type FollowedDirectory } from './live-directory.ts';

export interface DirectoryParts {
  readonly config: Pick<GatewayConfig, 'directoryFile' | 'directoryServer'>;
  /** Null when standalone: the last good snapshot is not kept. */
  readonly redis: RedisClient | null;
  readonly place: { readonly prefix: string; readonly resource: string };
  /** They sign the last good snapshot. */
  readonly keys: KeyRing;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly onRefresh: (outcome: RefreshOutcome) => void;
}

/** The directory that the configuration asks for. `server` is null for a file. */
export interface OpenedDirectory {
  readonly directory: FollowedDirectory;
  readonly server: RefreshedDirectory | null;
}

/** Rejects with a ConfigurationFault when there is no directory to begin with. */
export async function openDirectory(parts: DirectoryParts): Promise<OpenedDirectory> {
  const { config, redis, place, keys, logger, signal, onRefresh } = parts;
  const { directoryFile: path, directoryServer: server } = config;
  try {
    if (server === null) return { directory: await openLiveDirectory({ path, logger, signal }), server: null };
    const directory = await openHttpDirectory({
      config: server,
      store: redis && redisLastGood(redis, place, keys),
      pushes: redis && redisRefreshSignal(redis, place),
      logger,
      signal,
      onRefresh,
    });
    return { directory, server: directory };
  } catch (error) {
    if (!(error instanceof DirectoryFault)) throw error;
    const where = server === null ? path : 'spec.auth.directory.http';
    throw new ConfigurationFault(
      error.faults.map((fault) => `${where}: ${fault.where}: ${fault.message}`),
      { cause: error },
    );
  }
}
