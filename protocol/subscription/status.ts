import { z } from 'zod';

/** metav1.Condition. */
const condition = z.strictObject({
  type: z.string().min(1).max(316),
  status: z.enum(['True', 'False', 'Unknown']),
  observedGeneration: z.int().min(0),
  lastTransitionTime: z.string().meta({ format: 'date-time' }),
  /** A word in CamelCase that programs may rely on. */
  reason: z.string().min(1).max(1_024),
  message: z.string().max(32_768),
});

const group = z.strictObject({
  name: z.string(),
  /** Unused: no connection has used it yet. */
  state: z.enum(['Ready', 'Missing', 'Unused']),
  /** Accounts that have a group of this name; the numbers are sums over them. */
  accounts: z.int().min(0).optional(),
  /** Entries not yet read by the group, over all partitions; absent while unknown, and while the group is unused. */
  lag: z.int().min(0).optional(),
  /** Whether Redis itself knows `lag`; else it is an estimate. */
  lagExact: z.boolean().optional(),
  /** Read and not yet acknowledged. */
  pending: z.int().min(0).optional(),
  consumers: z.int().min(0).optional(),
  oldestPendingTime: z.string().meta({ format: 'date-time' }).optional(),
  deadLettered: z.int().min(0).optional(),
  /** Of a group that has one. */
  webhook: z
    .strictObject({
      /** Failing: nothing has got through for a minute. Off: until its declaration is changed or it is enabled. */
      state: z.enum(['On', 'Failing', 'Off']),
      /** Why it is off. */
      reason: z.enum(['Gone', 'Asked', 'Failing']).optional(),
      since: z.string().meta({ format: 'date-time' }).optional(),
      /** Events that the log no longer had when they were due. */
      lost: z.int().min(0).optional(),
    })
    .optional(),
  /** Of a group that is published to NATS. */
  nats: z
    .strictObject({
      /** Failing: nothing has got through for a minute. */
      state: z.enum(['On', 'Failing']),
      /** Why it fails: a code of NATS, JetStream or the system, as NO_STREAM. */
      cause: z.string().max(64).optional(),
      since: z.string().meta({ format: 'date-time' }).optional(),
      /** Events that the log no longer had when they were due. */
      lost: z.int().min(0).optional(),
    })
    .optional(),
  /** What happens to it when it is no longer declared. */
  deletionPolicy: z.enum(['Delete', 'Retain']),
});

export const keyedList = <S extends z.ZodType>(element: S, key: string, most: number) =>
  z
    .array(element)
    .max(most)
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] });

export const conditions = keyedList(condition, 'type', 32);

/** The operator's report on a resource. Numbers that change fast are at most 30 s old, or approximate. */
export const statusSchema = z.strictObject({
  observedGeneration: z.int().min(0).optional(),
  conditions: conditions.optional(),
  endpoint: z.strictObject({ url: z.string(), loginURL: z.string() }).optional(),
  gateway: z
    .strictObject({
      replicas: z.int().min(0),
      readyReplicas: z.int().min(0),
      /** `ready/desired`, for people. */
      summary: z.string(),
      connections: z.int().min(0),
      image: z.string(),
      /** For the scale subresource. */
      selector: z.string(),
    })
    .optional(),
  stream: z
    .strictObject({
      partitions: z.int().min(0),
      length: z.int().min(0),
      oldestEntryTime: z.string().meta({ format: 'date-time' }).optional(),
      /** Memory in Redis, estimated from samples. */
      bytes: z.int().min(0),
    })
    .optional(),
  redis: z.strictObject({ version: z.string(), persistence: z.enum(['None', 'RDB', 'AOF', 'Unknown']) }).optional(),
  consumerGroups: keyedList(group, 'name', 64).optional(),
  /** The sum of the groups' lag. */
  lag: z.int().min(0).optional(),
  signing: z
    .strictObject({
      activeKeyID: z.string(),
      nextRotationTime: z.string().meta({ format: 'date-time' }).optional(),
    })
    .optional(),
});

export type SubscriptionStatus = z.output<typeof statusSchema>;
export type Condition = z.output<typeof condition>;
export type GroupStatus = z.output<typeof group>;
