import { z } from 'zod';
import { DEFAULT_KEY_PREFIX } from '../keys.ts';
import { hostName, immutable, objectName, ruled, secretRef } from './rules.ts';
import { platformOnly } from './takes-effect.ts';

/** A custom resource requires `urlSecretRef`; a standalone process has `REDIS_URL`, `REDIS_CA_FILE` and so on. */
const place = z.strictObject({
  mode: immutable(
    z.enum(['Standalone', 'Sentinel', 'Cluster']),
    'redis.mode cannot be changed: make another resource',
  ).default('Standalone'),
  urlSecretRef: platformOnly(secretRef('url').optional()),
  sentinel: z
    .strictObject({
      masterName: z.string().min(1).max(253),
      /** A Secret of type kubernetes.io/basic-auth; a standalone process has `REDIS_SENTINEL_PASSWORD` and so on. */
      loginSecretName: platformOnly(objectName().optional()),
    })
    .optional(),
  database: z.int().min(0).max(65_535).default(0),
  keyPrefix: immutable(
    z
      .string()
      .max(64)
      // Braces would become the cluster's hash tag instead of the partition's: all partitions would be in one slot, or
      // partition keys in different ones.
      .regex(/^[A-Za-z0-9_.:/-]+$/, 'letters, digits and _ . : / -'),
    'redis.keyPrefix cannot be changed: the streams are where they are',
  ).default(DEFAULT_KEY_PREFIX),
  tls: z
    .strictObject({
      enabled: z.boolean().default(false),
      /** Certificate authorities for the servers' certificates; default: the system's. */
      caSecretRef: platformOnly(secretRef('ca.crt').optional()),
      /** A Secret of type kubernetes.io/tls. */
      clientCertSecretName: platformOnly(objectName().optional()),
      /** The name that every server's certificate must have, if it is not the host's. */
      serverName: hostName().optional(),
    })
    .prefault({}),
});

export const redis = ruled(
  place,
  {
    cel: "(self.mode == 'Sentinel') == has(self.sentinel)",
    holds: ({ mode, sentinel }) => (mode === 'Sentinel') === (sentinel !== undefined),
    message: 'sentinel.masterName belongs to mode Sentinel; give both or neither',
    field: 'sentinel',
  },
  {
    cel: "self.mode != 'Cluster' || self.database == 0",
    holds: ({ mode, database }) => mode !== 'Cluster' || database === 0,
    message: 'a Redis Cluster has only database 0',
    field: 'database',
  },
);
