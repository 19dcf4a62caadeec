import { after, before } from 'node:test';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { randomUUID } from 'node:crypto';
import { encodeMeta } from '../../protocol/entry.ts';
import { groupName, streamKeys } from '../../protocol/keys.ts';
import { partitionOf } from '../../protocol/partition.ts';
import { subscriptionSchema, type ConsumerGroup } from '../../protocol/subscription.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient } from '../../runtime/redis/client.ts';
import type { RedisAddress } from '../../runtime/redis/connection.ts';
import type { Grant } from '../auth/grant.ts';
import type { Position } from '../../protocol/position.ts';
import type { Directory } from '../directory/directory.ts';
import type { Format } from '../fanout/encoding.ts';
import type { GroupGap, GroupGapReason, LostReason, Membership } from '../group/groups.ts';
import type { Timings } from '../group/group-context.ts';
import { openGroups } from '../group/open-groups.ts';
import { Presence } from '../replica/presence.ts';
import { cursors } from './cursors.ts';
import { RecordingSink } from './sink.ts';
import { treeOf } from './tree.ts';
import type { LogPlace } from '../../event-log/partition-state.ts';
import type { MemberOptions } from '../group/groups.ts';

/** Short, but the lease is longer than the pauses of a busy machine: what an owner loses is delivered again. */
const QUICK: Timings = {
  leaseMs: 10_000,
  acquireMs: 50,
  pollMs: 100,
  handOverMs: 1_000,
  drainMs: 5_000,
  checkMs: 200,
  retireMs: 200,
};

const TREE = treeOf([
  ['acme', null],
  ['shop', 'acme'],
  ['other', null],
]);
export const GRANT: Grant = { account: 'acme', accounts: null, events: null };
export const RESOURCE = 'voice/acme';

/** The account of the groups that are declared for one; name in Redis of its group `default`. */
export const ACCOUNT = 'acme';
export const NAME = groupName(RESOURCE, 'default', ACCOUNT);

/** Groups of the account, which exist from the start. */
export function declared(...groups: readonly object[]): ConsumerGroup[] {
  const list = groups.length === 0 ? [{ name: 'default' }] : groups;
  return declaredForAll(...list.map((group) => ({ account: ACCOUNT, ...group })));
}

/** Groups as a subscription declares them: each account has its own, from its first connection on. */
export function declaredForAll(...groups: readonly object[]): ConsumerGroup[] {
  return subscriptionSchema.parse({
    apiVersion: 'firehose.dev/v1alpha1',
    kind: 'FirehoseSubscription',
    metadata: { name: 'acme', namespace: 'voice' },
    spec: { account: { id: 'acme' }, ...(groups.length > 0 && { consumerGroups: groups }) },
  }).spec.consumerGroups;
}

export interface ReplicaOptions {
  readonly url: RedisAddress;
  readonly keyPrefix: string;
  readonly partitions?: number;
  readonly replica?: string;
  readonly groups?: readonly ConsumerGroup[];
  readonly directory?: Directory;
  readonly timings?: Partial<Timings>;
  readonly retentionMs?: number;
}

const BEATS = { everyMs: 100, aliveMs: 3_000 };

/** A Redis for all tests of a file, and replicas on it, each with streams of its own by default. */
export function onOneRedis() {
  let redis: RedisServer;
  before(async () => {
    redis = await startRedis();
  });
  after(() => redis.stop());
  return (options: Partial<ReplicaOptions> = {}) =>
    startReplica({ url: redis.url, keyPrefix: `${randomUUID()}:`, ...options });
}

/** The groups of one replica, with a Redis client of their own. */
export async function startReplica(options: ReplicaOptions) {
  const { url, keyPrefix, partitions = 4, replica = randomUUID(), groups = declared(), directory = TREE } = options;
  const client = commandClient(url, { logger: silentLogger, name: 'test:groups' });
  await becomesReady(client, 10_000);
  const timings = { ...QUICK, ...options.timings };
  const presence = new Presence({ client, keyPrefix, resource: RESOURCE, replica, logger: silentLogger, ...BEATS });
  const place = { client, keyPrefix, partitions };
  const engine = await openGroups({
    place,
    declared: { resource: RESOURCE, account: ACCOUNT, groups, retentionMs: options.retentionMs ?? 86_400_000 },
    presence,
    directory,
    timings,
    offers: () => true,
    cursors,
    logger: silentLogger,
  });
  presence.start(() => ({ keys: [], connections: 0, groups: engine.connections(), revision: '', leaving: false }));
  return {
    groups: engine,
    presence,
    client,
    replica,
    place,
    publish: (events: readonly PublishedEvent[]) => publish(place, events),
    /** Admits and joins. */
    async connect(consumer: ConsumerOptions = {}): Promise<Consumer> {
      const { group = 'default', grant = GRANT, regroup = false } = consumer;
      const admitted = await engine.admit(group, grant, { regroup });
      if (!admitted.ok) throw new Error(admitted.problem.code);
      return new Consumer((member) => engine.join(group, { ...member, grant }), consumer);
    },
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      await presence[Symbol.asyncDispose]();
      client.disconnect();
    },
  };
}

export type Replica = Awaited<ReturnType<typeof startReplica>>;

export interface PublishedEvent {
  readonly call: string;
  readonly n: number;
  readonly account?: string;
  readonly name?: string;
}

/** Puts events into the log like a producer, in order; returns their entry ids. Event ids are `<call>/<n>`. */
export async function publish(place: LogPlace, events: readonly PublishedEvent[]): Promise<string[]> {
  return Promise.all(
    events.map(async ({ call, n, account = 'acme', name = 'DTMF' }) => {
      const meta = { name, account, callId: call, eventId: `${call}/${n}`, ingestedAt: '', traceparent: '' };
      const partition = partitionOf(meta, place.partitions);
      const { events: key } = streamKeys(place.keyPrefix, partition);
      const id = await place.client.xadd(key, '*', 'm', encodeMeta(meta), 'd', JSON.stringify({ call, n }));
      return `${partition}:${id}`;
    }),
  );
}

/** `count` events of each of these calls, the calls interleaved. */
export function events(calls: readonly string[], count: number, from = 0): PublishedEvent[] {
  return Array.from({ length: count }, (_, n) => calls.map((call) => ({ call, n: from + n }))).flat();
}

export interface ConsumerOptions {
  readonly group?: string;
  readonly grant?: Grant;
  readonly regroup?: boolean;
  readonly format?: Format;
  readonly acknowledges?: 'frames' | 'pongs';
  /** Acknowledges each event on arrival; default true. */
  readonly acks?: boolean;
  /** Everything that its members receive, in order. */
  readonly received?: Received[];
}

export interface Received {
  readonly id: string;
  readonly call: string;
  readonly n: number;
  readonly attempt: number;
  readonly cursor: string;
  readonly by: Consumer;
}

/** A connection's far end. */
export class Consumer {
  readonly sink = new RecordingSink();
  readonly received: Received[] = [];
  readonly pings: Buffer[] = [];
  readonly standbys: boolean[] = [];
  /** Position of the group when the connection joined. */
  position: Position | null = null;
  readonly gaps: (GroupGap & { readonly reason: GroupGapReason })[] = [];
  /** For each gap of a source, how many events came before it. */
  readonly gapsAt: number[] = [];
  readonly membership: Membership;
  lost: LostReason | null = null;
  acks: boolean;

  constructor(join: (options: Omit<MemberOptions, 'grant'>) => Membership, options: ConsumerOptions) {
    const { acknowledges = 'frames', format = 'meta', acks = true } = options;
    this.acks = acks;
    const { sink } = this;
    this.membership = join({
      format,
      privacy: () => null,
      acknowledges,
      sink: {
        write: (chunk, release) => {
          if (this.standbys.length === 0) throw new Error('written to before it was told where it stands');
          const before = sink.chunks.length;
          sink.write(chunk, release);
          const messages = sink.messages(before);
          for (const message of messages) this.#receive(message, options.received);
          if (this.acks && acknowledges === 'frames')
            void this.membership.ack(this.received.slice(-messages.length).map(({ id }) => id));
        },
        get queued() {
          return sink.queued;
        },
        whenDrained: (callback) => sink.whenDrained(callback),
      },
      ping: (payload) => {
        this.pings.push(payload);
        if (this.acks) setImmediate(() => this.membership.pong(payload));
      },
      onStandby: (standby, position) => {
        this.standbys.push(standby);
        this.position = position;
      },
      onGap: (reason, gap) => this.gaps.push({ reason, ...gap }),
      onSourceGap: () => {
        if (this.standbys.length === 0) throw new Error('notified before it was told where it stands');
        this.gapsAt.push(this.received.length);
      },
      lost: (reason) => (this.lost = reason),
    });
  }

  get ids(): string[] {
    return this.received.map(({ id }) => id);
  }

  #receive(text: string, shared: Received[] | undefined): void {
    const { call, n, _firehose } = JSON.parse(text) as {
      call: string;
      n: number;
      _firehose?: { id: string; attempt: number; cursor: string };
    };
    const { id = `${call}/${n}`, attempt = 0, cursor = '' } = _firehose ?? {};
    const received = { id, call, n, attempt, cursor, by: this };
    this.received.push(received);
    shared?.push(received);
  }
}

/** Faults in all received events: a call that went backwards (I2), an event that is missing (I1). */
export function faultsOf(received: readonly Received[], expected: readonly PublishedEvent[]): string[] {
  const faults: string[] = [];
  const last = new Map<string, number>();
  const seen = new Set<string>();
  for (const { call, n, id } of received) {
    if (n < (last.get(call) ?? -1)) faults.push(`${call}: ${n} after ${last.get(call)}`);
    last.set(call, Math.max(n, last.get(call) ?? -1));
    seen.add(id);
  }
  for (const { call, n } of expected) if (!seen.has(`${call}/${n}`)) faults.push(`${call}/${n} is missing`);
  return faults;
}

/** Entries that the group received and has not acknowledged, in all partitions. */
export async function pendingInRedis(place: LogPlace, group = 'default', account = ACCOUNT): Promise<number> {
  let pending = 0;
  for (let partition = 0; partition < place.partitions; partition += 1) {
    const { events: key } = streamKeys(place.keyPrefix, partition);
    const [count] = (await place.client.xpending(key, groupName(RESOURCE, group, account))) as [number];
    pending += count;
  }
  return pending;
}
