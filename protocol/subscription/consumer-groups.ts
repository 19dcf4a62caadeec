import { z } from 'zod';
import { accountId, groupFilters } from './filters.ts';
import { durationMs } from './duration.ts';
import { duration, ruled } from './rules.ts';
import { platformOnly } from './takes-effect.ts';
import { nats } from './nats.ts';
import { webhook } from './webhook.ts';

export const DEFAULT_GROUP = 'default';
const MOST_GROUPS = 32;

const group = ruled(
  z.strictObject({
    name: z
      .string()
      .min(1)
      .max(63)
      .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'a DNS label'),
    /**
     * The only account of the group; the group exists from the moment the resource is applied. Absent: each account has
     * a group of this name of its own, from its first connection on.
     */
    account: accountId().optional(),
    /** Most accounts with a group of this name, if it is not declared for one. */
    maxAccounts: z.int().min(1).max(2_000).default(100),
    /** Where a new group begins: with events from then on, with the oldest retained one, or after an id. */
    startPosition: z.enum(['New', 'Earliest', 'ID']).default('New'),
    /** Entry id after which the group begins in every partition, with `startPosition: ID`. */
    startID: z
      .string()
      .max(33)
      .regex(/^[0-9]{1,16}-[0-9]{1,16}$/, 'an entry id as 1700000000000-0')
      .optional(),
    /** How long a delivered event may wait for its acknowledgement before it is delivered again. */
    ackWait: duration('1s', '1h').default('30s'),
    /** Deliveries of an event before it becomes a dead letter. */
    maxDeliver: z.int().min(1).max(100).default(5),
    /** Most delivered and unacknowledged events of a connection. */
    maxPending: z.int().min(1).max(10_000).default(1_000),
    deadLetter: z
      .strictObject({
        /** Dead letters kept in each partition; the oldest are dropped. */
        maxLength: z.int().min(1).max(1_000_000).default(10_000),
      })
      .prefault({}),
    /** Everything else is acknowledged at once, even without members. */
    filters: groupFilters.prefault({}),
    /**
     * What happens to the group and its unacknowledged events when it is no longer declared or the resource is deleted.
     */
    deletionPolicy: platformOnly(z.enum(['Delete', 'Retain']).default('Delete')),
    /** Its events are sent to a receiver over HTTP; it accepts no connections. */
    webhook: webhook.optional(),
    /** Its events are published to a stream of NATS JetStream; it accepts no connections. */
    nats: nats.optional(),
  }),
  {
    cel: "(has(self.startPosition) && self.startPosition == 'ID') == has(self.startID)",
    holds: ({ startPosition, startID }) => (startPosition === 'ID') === (startID !== undefined),
    message: 'startID belongs to startPosition ID; give both or neither',
    field: 'startID',
  },
  {
    cel: '!has(self.webhook) || has(self.account)',
    holds: (group) => group.webhook === undefined || group.account !== undefined,
    message: 'a group with a webhook is declared for an account: give account',
    field: 'account',
  },
  {
    // The elements of lists have no defaults in the API server.
    cel:
      "!has(self.webhook) || duration(has(self.webhook.timeout) ? self.webhook.timeout : '15s') < " +
      "duration(has(self.ackWait) ? self.ackWait : '30s')",
    holds: (group) => group.webhook === undefined || durationMs(group.webhook.timeout) < durationMs(group.ackWait),
    message: 'webhook.timeout is shorter than ackWait, or an event would be sent again while it is under way',
    field: 'ackWait',
  },
  {
    cel: '!has(self.webhook) || !has(self.nats)',
    holds: (group) => group.webhook === undefined || group.nats === undefined,
    message: 'a group is sent to a webhook or to nats: declare a group for each',
    field: 'nats',
  },
  {
    cel: '!has(self.nats) || has(self.account)',
    holds: (group) => group.nats === undefined || group.account !== undefined,
    message: 'a group with nats is declared for an account: give account',
    field: 'account',
  },
  {
    cel:
      "!has(self.nats) || duration(has(self.nats.timeout) ? self.nats.timeout : '5s') < " +
      "duration(has(self.ackWait) ? self.ackWait : '30s')",
    holds: (group) => group.nats === undefined || durationMs(group.nats.timeout) < durationMs(group.ackWait),
    message: 'nats.timeout is shorter than ackWait, or an event would be sent again while it is under way',
    field: 'ackWait',
  },
);

/** The start has no effect once the group exists: a new start needs a new group. */
const FIXED_START = {
  rule:
    "(has(self.startPosition) ? self.startPosition : 'New') == " +
    "(has(oldSelf.startPosition) ? oldSelf.startPosition : 'New') && " +
    'has(self.startID) == has(oldSelf.startID) && ' +
    '(!has(self.startID) || self.startID == oldSelf.startID)',
  message: 'the start of a consumer group cannot be changed: declare a group of another name',
};

const meta = group.meta() as { 'x-kubernetes-validations': object[] };
const declared = group.meta({
  ...meta,
  'x-kubernetes-validations': [...meta['x-kubernetes-validations'], FIXED_START],
});

/** `default` always exists: a declared list is added to it. */
export const consumerGroups = z
  .array(declared)
  .min(1)
  .max(MOST_GROUPS)
  .overwrite((groups) =>
    groups.some(({ name }) => name === DEFAULT_GROUP) ? groups : [group.parse({ name: DEFAULT_GROUP }), ...groups],
  )
  .refine((groups) => groups.length <= MOST_GROUPS, `at most ${MOST_GROUPS} groups, '${DEFAULT_GROUP}' among them`)
  .refine((groups) => new Set(groups.map(({ name }) => name)).size === groups.length, 'names a group twice')
  .meta({
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
    'x-kubernetes-validations': [
      {
        rule: `self.size() < ${MOST_GROUPS} || self.exists(group, group.name == '${DEFAULT_GROUP}')`,
        message: `at most ${MOST_GROUPS} groups, '${DEFAULT_GROUP}' among them`,
      },
    ],
  });

export type ConsumerGroup = z.output<typeof group>;

/** A group that no resource declares, with the defaults of one that has a webhook. Its name may have other characters. */
export function undeclaredGroup(name: string, of: Pick<z.input<typeof group>, 'account' | 'webhook'>): ConsumerGroup {
  return { ...group.parse({ ...of, name: DEFAULT_GROUP }), name };
}
