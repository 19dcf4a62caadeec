import type { Subscription } from '../../protocol/subscription.ts';
import type { RedisVariable } from '../../protocol/pod-variables.ts';

type Redis = Subscription['spec']['redis'];

const REDIS_CA = '/etc/firehose/redis-ca';
const REDIS_CLIENT = '/etc/firehose/redis-client';

/** How a pod reaches its Redis: variables, and the files that they name. */
export function redisEnvironment(redis: Redis): object[] {
  const value = (name: RedisVariable, text: string) => ({ name, value: text });
  return [
    ...(redis.urlSecretRef === undefined
      ? []
      : [{ name: 'REDIS_URL' satisfies RedisVariable, valueFrom: { secretKeyRef: { ...redis.urlSecretRef } } }]),
    ...sentinelLogin(redis.sentinel?.loginSecretName),
    ...(redis.tls.caSecretRef === undefined ? [] : [value('REDIS_CA_FILE', `${REDIS_CA}/ca.crt`)]),
    ...(redis.tls.clientCertSecretName === undefined
      ? []
      : [value('REDIS_CERT_FILE', `${REDIS_CLIENT}/tls.crt`), value('REDIS_KEY_FILE', `${REDIS_CLIENT}/tls.key`)]),
  ];
}

function sentinelLogin(secretName: string | undefined): object[] {
  if (secretName === undefined) return [];
  const from = (key: string, more = {}) => ({ valueFrom: { secretKeyRef: { name: secretName, key, ...more } } });
  return [
    // A password without a name is the usual case.
    { name: 'REDIS_SENTINEL_USERNAME' satisfies RedisVariable, ...from('username', { optional: true }) },
    { name: 'REDIS_SENTINEL_PASSWORD' satisfies RedisVariable, ...from('password') },
  ];
}

export function redisMounts({ tls }: Redis): object[] {
  const mount = (name: string, mountPath: string) => ({ name, mountPath, readOnly: true });
  return [
    ...(tls.caSecretRef === undefined ? [] : [mount('redis-ca', REDIS_CA)]),
    ...(tls.clientCertSecretName === undefined ? [] : [mount('redis-client', REDIS_CLIENT)]),
  ];
}

export function redisVolumes({ tls: { caSecretRef, clientCertSecretName } }: Redis): object[] {
  return [
    ...(caSecretRef === undefined
      ? []
      : [
          {
            name: 'redis-ca',
            secret: { secretName: caSecretRef.name, items: [{ key: caSecretRef.key, path: 'ca.crt' }] },
          },
        ]),
    ...(clientCertSecretName === undefined
      ? []
      : [{ name: 'redis-client', secret: { secretName: clientCertSecretName } }]),
  ];
}
