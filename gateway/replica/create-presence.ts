import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { Presence } from './presence.ts';

/** The presence of this process, under a unique name; it beats once it is started. */
export function createPresence(
  client: RedisClient,
  {
    keyspace,
    logger,
  }: { readonly keyspace: { readonly prefix: string; readonly resource: string }; readonly logger: Logger },
): Presence {
  // A pod's host name is unique; two processes of one machine need a further part.
  const replica = `${hostname()}-${randomBytes(4).toString('hex')}`;
  return new Presence({ client, keyPrefix: keyspace.prefix, resource: keyspace.resource, replica, logger });
}
