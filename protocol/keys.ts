/** Redis keys. `{p}` is the partition and the cluster hash tag: everything a stream depends on lives on its shard. */
export interface StreamKeys {
  readonly events: string;
  readonly meta: string;
  readonly trim: string;
  /** That an event was appended. Ids are unique within an account: two tenants of one log may use the same. */
  seen(account: string, eventId: string): string;
  /** Pattern of all of these. */
  readonly everySeen: string;
}

export const DEFAULT_KEY_PREFIX = 'firehose:';

/** `*` for a pattern over all partitions. */
export function streamKeys(prefix: string, partition: number | '*'): StreamKeys {
  const base = `${prefix}{${partition}}:`;
  return {
    events: `${base}events`,
    meta: `${base}meta`,
    trim: `${base}trim`,
    seen: (account, eventId) => `${base}seen:${account}/${eventId}`,
    everySeen: `${base}seen:*`,
  };
}

/** Keys of one resource that no stream depends on, each on a shard of its own. `resource` is `<namespace>/<name>`. */
export function resourceKeys(prefix: string, resource: string) {
  const base = `${prefix}${resource}:`;
  return {
    grant: (digest: string) => `${base}grant:${digest}`,
    /** Digests of the large grants of one account's user, by their end. */
    grantsOf: (owner: string) => `${base}grants:${owner}`,
    revoked: `${base}revoked`,
    /** Slots taken by connections of an account or of a user. */
    slots: (of: 'account' | 'user', holder: string) => `${base}slots:${of}:${holder}`,
    limit: (limiter: string) => `${base}limit:${limiter}`,
    /** The grant of a consumer group's connections, by replica. */
    groupGrants: (group: string) => `${base}group:${group}:grants`,
  };
}

/** A consumer group's name in Redis: `<namespace>/<resource>/<group>`, so that no two resources can claim the same. */
export function groupName(resource: string, group: string): string {
  return `${resource}/${group}`;
}

/** Keys of a consumer group in one partition, on the partition's shard. `group` is the name in Redis. */
export function groupKeys(prefix: string, partition: number, group: string) {
  const base = `${prefix}{${partition}}:`;
  return {
    /** Who reads the partition for the group: `<replica>:<token>`, with a time to live. */
    owner: `${base}group:${group}:owner`,
    /** A stream without entries that lives as long as one lease: reads name it too, and fail once it is gone. */
    fence: (nonce: string) => `${base}group:${group}:fence:${nonce}`,
    /** Counts the owners: a later one has a greater token. */
    token: `${base}group:${group}:token`,
    /** Delivery attempts by entry id, of entries that are not settled. */
    attempts: `${base}group:${group}:attempts`,
    /** Stream of entries that were given up. */
    dead: `${base}dead:${group}`,
  };
}

/** Keys of the gateway replicas of one resource. */
export function replicaKeys(prefix: string, resource: string) {
  return {
    /** Sorted set of the replicas by when they were last seen. */
    seen: `${prefix}replicas:${resource}`,
    heartbeat: (replica: string) => `${prefix}replica:${resource}:${replica}`,
  };
}
