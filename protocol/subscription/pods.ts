import { z } from 'zod';
import { listOf, objectName, ruled, stringMap } from './rules.ts';

/** Forms of a Kubernetes quantity: `500m`, `1Gi`, 2, 0.5. */
const quantity = z
  .union([
    z.number().min(0).max(1_000_000_000_000_000),
    z
      .string()
      .max(32)
      .regex(/^[0-9]+(\.[0-9]+)?([EPTGMKk]i?|[munkMGTPE]|[eE][0-9]+)?$/, 'a quantity as 500m or 1Gi'),
  ])
  .meta({ 'x-kubernetes-int-or-string': true });

const quantities = z
  .record(z.string(), quantity)
  .refine((map) => Object.keys(map).length <= 16, 'at most 16 entries')
  .meta({ maxProperties: 16 });

export const resources = z.strictObject({ requests: quantities.optional(), limits: quantities.optional() });

const toleration = z.strictObject({
  key: z.string().max(316).optional(),
  operator: z.enum(['Exists', 'Equal']).optional(),
  value: z.string().max(63).optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
  tolerationSeconds: z.int().optional(),
});

/** The operator sets the selector. */
const spread = z.strictObject({
  maxSkew: z.int().min(1).max(100).default(1),
  topologyKey: z.string().min(1).max(316),
  whenUnsatisfiable: z.enum(['DoNotSchedule', 'ScheduleAnyway']).default('ScheduleAnyway'),
});

/** Platform settings for pods of a gateway or a source. Only the operator sets their security context. */
export const podTemplate = z.strictObject({
  labels: stringMap(64).default({}),
  annotations: stringMap(64).default({}),
  nodeSelector: stringMap(64).default({}),
  priorityClassName: objectName().optional(),
  /** As Kubernetes defines it; checked when the Deployment is applied. */
  affinity: z.record(z.string(), z.unknown()).meta({ 'x-kubernetes-preserve-unknown-fields': true }).optional(),
  tolerations: listOf(toleration, 64).default([]),
  /** When empty: over nodes and zones, as well as possible. */
  topologySpreadConstraints: listOf(spread, 16).default([]),
});

/** A HorizontalPodAutoscaler by CPU; the share refers to the pods' requests. */
export const autoscaling = ruled(
  z.strictObject({
    minReplicas: z.int().min(1).max(200).default(2),
    maxReplicas: z.int().min(1).max(200),
    cpuUtilization: z.int().min(1).max(100).default(70),
    /** Seconds for which fewer replicas must have sufficed: each removed replica disconnects its clients. */
    scaleDownStabilization: z.int().min(0).max(3_600).default(600),
  }),
  {
    cel: 'self.minReplicas <= self.maxReplicas',
    holds: ({ minReplicas, maxReplicas }) => minReplicas <= maxReplicas,
    message: 'minReplicas is not above maxReplicas',
    field: 'minReplicas',
  },
);

export const image = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[^\s]+$/, 'an image reference');

export const imagePullSecrets = z
  .array(z.strictObject({ name: objectName() }))
  .max(16)
  .refine((secrets) => new Set(secrets.map(({ name }) => name)).size === secrets.length, 'no secret twice')
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] });
