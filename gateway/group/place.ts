import type { RedisClient } from '../../runtime/redis/client.ts';
import { groupKeys, groupName, streamKeys } from '../../protocol/keys.ts';
import type { LogPlace } from '../../event-log/partition-state.ts';

/** One group in one partition of the log in Redis. */
export interface GroupPlace {
  readonly client: RedisClient;
  readonly partition: number;
  /** `<namespace>/<resource>/<group>/<account>`. */
  readonly name: string;
  readonly events: string;
  readonly meta: string;
  readonly owner: string;
  fence(nonce: string): string;
  readonly token: string;
  readonly attempts: string;
  readonly dead: string;
}

/** `resource` is `<namespace>/<name>`. */
export function groupPlace(
  log: LogPlace,
  partition: number,
  of: { readonly resource: string; readonly group: string; readonly account: string },
): GroupPlace {
  const name = groupName(of.resource, of.group, of.account);
  const { events, meta } = streamKeys(log.keyPrefix, partition);
  return { client: log.client, partition, name, events, meta, ...groupKeys(log.keyPrefix, partition, name) };
}
