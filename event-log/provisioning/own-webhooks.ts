import { resourceKeys } from '../../protocol/keys.ts';
import { readOwnWebhookField, type OwnWebhookOf } from '../../protocol/own-webhook.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { destroyDeclared } from './release.ts';

interface Where {
  readonly keyPrefix: string;
  readonly partitions: number;
  /** `<namespace>/<name>`. */
  readonly resource: string;
}

/** Removes everything that a deleted self-service webhook has in Redis, except its field in the hash. Safe to repeat. */
export async function releaseOwnWebhook(
  client: RedisClient,
  where: Where,
  { id }: Pick<OwnWebhookOf, 'id'>,
): Promise<void> {
  const { resource, keyPrefix } = where;
  await destroyDeclared(client, where, { resource, group: id });
  await client.del(resourceKeys(keyPrefix, resource).webhook(id));
}

/** The same for all of a resource, and for the hash. Rejects with the client's error; safe to repeat. */
export async function releaseOwnWebhooks(client: RedisClient, where: Where): Promise<void> {
  const { ownWebhooks } = resourceKeys(where.keyPrefix, where.resource);
  for (const field of await client.hkeys(ownWebhooks)) {
    const found = readOwnWebhookField(field);
    if (found !== null) await releaseOwnWebhook(client, where, found);
  }
  await client.del(ownWebhooks);
}
