import type { EventLog } from '../../event-log/event-log.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { SourceMetrics } from '../metrics/metrics.ts';
import type { FollowedConfig, SourceConfig } from '../source-config.ts';

/** Writes events into a log until it is disposed of. */
export interface Producer extends AsyncDisposable {
  /** Replaces the endpoints and rules in force. */
  follow(config: FollowedConfig): void;
  /**
   * Endpoints that this replica listens to without yet having received all that the log lacks: another replica must not
   * stop yet.
   */
  behind(): readonly string[];
  /** Rejects with the unexpected error that ended the producer. */
  readonly ended: Promise<void>;
}

/** More than eight members: everything that a producer writes to, and its inputs. */
export interface ProducerParts {
  readonly config: SourceConfig;
  /** Unique id of this replica, without a slash or a colon. */
  readonly replica: string;
  readonly eventLog: Pick<EventLog, 'append' | 'partitions'>;
  /** Client for commands that do not block, of the Redis that holds the log. */
  readonly client: RedisClient;
  readonly metrics: SourceMetrics;
  readonly logger: Logger;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Aborted when the source ends. */
  readonly signal: AbortSignal;
}
