import type { EventLog } from '../../event-log/event-log.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { SourceMetrics } from '../metrics/metrics.ts';
import type { FollowedConfig, SourceConfig } from '../source-config.ts';

/** Writes events into a log until it is disposed of. */
export interface Producer extends AsyncDisposable {
  /** Takes the endpoints and rules that are in force from now on. */
  follow(config: FollowedConfig): void;
  /**
   * Endpoints that this replica listens to, and where it has not heard yet all that the log lacks: another one must not
   * leave for it.
   */
  behind(): readonly string[];
  /** Rejects with the unexpected error that ended it. */
  readonly ended: Promise<void>;
}

/** More than eight members: everything that a producer writes to, and what it is told. */
export interface ProducerParts {
  readonly config: SourceConfig;
  /** Of this replica: unique, without a slash or a colon. */
  readonly replica: string;
  readonly eventLog: Pick<EventLog, 'append' | 'partitions'>;
  /** For commands that do not block, in the Redis of the log. */
  readonly client: RedisClient;
  readonly metrics: SourceMetrics;
  readonly logger: Logger;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Aborted when the source ends. */
  readonly signal: AbortSignal;
}
