import { Cluster, type ClusterOptions, type Command } from 'ioredis';
import type { Logger } from '../logging/logger.ts';
import { AddressRefused } from '../net/guarded-socket.ts';
import { guardedConnector } from './guarded-connector.ts';
import type { RedisConnection } from './connection.ts';
import { watchClusterOutages } from './outage.ts';
import { reconnectDelay } from './reconnect-delay.ts';

const SLOTS_REFRESH_MS = 5_000;

/**
 * A cluster's queue is for commands to a node that is being connected: without it, all but the first of them would be
 * refused. The queue has no time limit, and no command may wait in it while the cluster is away.
 */
class BoundedCluster extends Cluster {
  /** The library's own interval starts again when a refresh that was running ends after `disconnect()`. */
  readonly #looking = setInterval(() => this.status === 'ready' && this.refreshSlotsCache(), SLOTS_REFRESH_MS).unref();

  override disconnect(reconnect = false): void {
    if (!reconnect) clearInterval(this.#looking);
    super.disconnect(reconnect);
  }

  override sendCommand(...[command, ...rest]: Parameters<Cluster['sendCommand']>): unknown {
    // A command that timed out while it waited is not sent later.
    if (command.isSettled) return command.promise;
    if (this.status !== 'ready') {
      command.reject(new Error("Cluster isn't writeable"));
      return command.promise;
    }
    limitTime(command, this.options.redisOptions?.commandTimeout);
    return super.sendCommand(command, ...rest);
  }
}

/** From here on, however many nodes the command is sent to. */
function limitTime(command: Command, ms: number | undefined): void {
  if (ms !== undefined) command.setTimeout(ms);
}

type NodeOptions = NonNullable<ClusterOptions['redisOptions']> & { replyMapping?: 'legacy' };

/** For commands that answer at once. `redisOptions` are those of the connection to each node. */
export function clusterClient(
  connection: RedisConnection,
  options: { logger: Logger; name: string; redisOptions: NodeOptions },
): Cluster {
  let tell: (error: unknown, node: string) => void = () => undefined;
  const { guard } = connection;
  const onRefused = (node: string) => tell(new AddressRefused(), node);
  const client = new BoundedCluster([...connection.nodes], {
    redisOptions: {
      ...options.redisOptions,
      ...(guard !== null && { Connector: guardedConnector(guard, onRefused) }),
    },
    // With a check of CLUSTER INFO the client would be closed while one shard is down; the other shards still answer.
    enableReadyCheck: false,
    clusterRetryStrategy: (attempt: number) => reconnectDelay(attempt),
    // Only commands that were certainly not executed are sent again: MOVED, ASK and TRYAGAIN. Not commands whose reply
    // was lost.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    retryDelayOnTryAgain: 50,
    // A host keeps its name, because its certificate contains the name.
    dnsLookup: (host, found) => found(null, host),
  });
  tell = watchClusterOutages(client, options);
  return client;
}
