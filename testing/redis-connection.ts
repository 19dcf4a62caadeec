import { subscriptionSchema } from '../protocol/subscription.ts';
import { redisConnection, type RedisConnection, type RedisSettings } from '../runtime/redis/connection.ts';

/** The connection of these fields under `spec.redis`, with the defaults of all others; throws its faults. */
export function connectionWith(url: string, redis: object, more: Partial<RedisSettings> = {}): RedisConnection {
  const { spec } = subscriptionSchema.parse({
    apiVersion: 'firehose.dev/v1alpha1',
    kind: 'FirehoseSubscription',
    metadata: { name: 'test' },
    spec: { account: { id: 'test' }, redis },
  });
  const outcome = redisConnection({ url, spec: spec.redis, ...more });
  if ('faults' in outcome) throw new Error(outcome.faults.join('; '));
  return outcome.connection;
}
