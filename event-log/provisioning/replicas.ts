import type { RedisClient } from '../../runtime/redis/client.ts';
import { z } from 'zod';
import { replicaKeys } from '../../protocol/keys.ts';

/** What a gateway's heartbeat says to the operator; others read other fields of it. */
const heartbeatSchema = z.looseObject({
  connections: z.int().min(0).default(0),
  /** Ids of the signing keys that it verifies; the first one signs. */
  keys: z.array(z.string()).default([]),
});

export interface LiveReplica extends z.output<typeof heartbeatSchema> {
  readonly replica: string;
}

/** The gateways whose heartbeat has not run out. Each key by itself: they lie on different shards of a cluster. */
export async function liveReplicas(client: RedisClient, keyPrefix: string, resource: string): Promise<LiveReplica[]> {
  const keys = replicaKeys(keyPrefix, resource);
  const names = await client.zrange(keys.seen, '0', '-1');
  const records = await Promise.all(names.map((name) => client.get(keys.heartbeat(name))));
  return names.flatMap((replica, index) => {
    const record = parse(records[index] ?? null);
    return record === null ? [] : [{ replica, ...record }];
  });
}

/** Null when it has run out, or nothing that this version can read. */
function parse(text: string | null): z.output<typeof heartbeatSchema> | null {
  try {
    return heartbeatSchema.parse(JSON.parse(text ?? ''));
  } catch {
    return null;
  }
}
