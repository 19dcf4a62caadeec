import { decodeHeartbeat, type Heartbeat } from '../../protocol/heartbeat.ts';
import { replicaKeys } from '../../protocol/keys.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';

export interface LiveReplica extends Heartbeat {
  readonly replica: string;
}

/**
 * The gateways whose heartbeat has not expired. Each key is read separately: they are on different shards of a cluster.
 */
export async function liveReplicas(client: RedisClient, keyPrefix: string, resource: string): Promise<LiveReplica[]> {
  const keys = replicaKeys(keyPrefix, resource);
  const names = await client.zrange(keys.seen, '0', '-1');
  const texts = await Promise.all(names.map((name) => client.get(keys.heartbeat(name))));
  return names.flatMap((replica, index) => {
    const heartbeat = decodeHeartbeat(texts[index] ?? null);
    return heartbeat === null ? [] : [{ replica, ...heartbeat }];
  });
}
