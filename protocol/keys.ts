/** Redis keys. `{p}` is the partition and the cluster hash tag: everything that belongs to a stream is on its shard. */
export interface StreamKeys {
  readonly events: string;
  readonly meta: string;
  readonly trim: string;
  /** Marks an event as appended. Ids are unique within an account: two tenants of one log may use the same. */
  seen(account: string, eventId: string): string;
  /** Pattern of all of these, and of `ended`. */
  readonly everySeen: string;
  /**
   * The synthetic end of a leg from the table of live calls: its entry id and whether a late real end is amended, with
   * a time to live. What follows the last slash of `seen` is an event id, and none is empty: no key is both.
   */
  readonly ended: (account: string, callId: string) => string;
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
    ended: (account, callId) => `${base}seen:/ended/${account}/${callId}/`,
  };
}

/** Keys of one resource that belong to no stream, on any shards. `resource` is `<namespace>/<name>`. */
export function resourceKeys(prefix: string, resource: string) {
  const base = `${prefix}${resource}:`;
  return {
    grant: (digest: string) => `${base}grant:${digest}`,
    /** Digests of the large grants of one account's user, by their end. */
    grantsOf: (owner: string) => `${base}grants:${owner}`,
    revoked: `${base}revoked`,
    /** Stream of what sessions note, see gateway/journal/. */
    journal: `${base}journal`,
    /** The last good snapshot of a directory over HTTP. */
    directory: `${base}directory`,
    /** Counts the requests to poll it now. */
    directoryPushes: `${base}directory-pushes`,
    /** Slots of an account's or a user's connections: all on one shard, because one script takes both. */
    slots: (of: 'account' | 'user', holder: string) => `${base}slots:{${resource}}:${of}:${holder}`,
    /** Hash: state of a group's webhook, see webhook-state.ts. */
    webhook: (group: string) => `${base}webhook:${group}`,
    /** Hash: the webhooks that logins created, see own-webhook.ts. */
    ownWebhooks: `${base}own-webhooks`,
    limit: (limiter: string) => `${base}limit:${limiter}`,
  };
}

/**
 * A consumer group's name in Redis: `<namespace>/<resource>/<group>/<account>`. None of the four can contain a slash,
 * so no two resources, groups or accounts have the same name.
 */
export function groupName(resource: string, group: string, account: string): string {
  return `${resource}/${group}/${account}`;
}

/** The former name, before groups belonged to accounts: all accounts of a resource had one position. */
export function formerGroupName(resource: string, group: string): string {
  return `${resource}/${group}`;
}

/**
 * Keys that record which accounts have a group of this name, and under which grant. They belong to no partition, and
 * are on the shard of partition 0, so that one script can use all of them.
 */
export function accountsOfGroup(prefix: string, { resource, group }: { resource: string; group: string }) {
  const base = `${prefix}{0}:`;
  const of = (account: string) => `${base}group:${groupName(resource, group, account)}`;
  return {
    /** Hash of account to row, see event-log/provisioning/account-groups.ts. */
    accounts: `${base}groups:${resource}/${group}`,
    /** The grant in force, as JSON. */
    grant: (account: string) => `${of(account)}:grant`,
    /** Hash of replica to the time until which its connections count as present. */
    members: (account: string) => `${of(account)}:members`,
  };
}

/** Keys of the table of live calls in one partition, on the partition's shard. */
export function callKeys(prefix: string, partition: number) {
  const base = `${prefix}{${partition}}:`;
  return {
    /** The entry up to which the table is true, and whether it is being built: one text, for comparisons. */
    at: `${base}calls:at`,
    /** Set of the accounts that have a live leg here. */
    accounts: `${base}calls`,
    /** Hash of an account's Call-IDs to their records, see call.ts. */
    legs: (account: string) => `${base}calls:of:${account}`,
  };
}

/** Keys of a consumer group in one partition, on the partition's shard. `group` is the name in Redis. */
export function groupKeys(prefix: string, partition: number, group: string) {
  const base = `${prefix}{${partition}}:`;
  return {
    /** The replica that reads the partition for the group: `<replica>:<token>`, with a time to live. */
    owner: `${base}group:${group}:owner`,
    /** A stream without entries that lives as long as one lease: reads name it too, and fail once it is gone. */
    fence: (nonce: string) => `${base}group:${group}:fence:${nonce}`,
    /** Counts the owners: a later one has a greater token. */
    token: `${base}group:${group}:token`,
    /** Delivery attempts by entry id, of unfinished entries. */
    attempts: `${base}group:${group}:attempts`,
    /** Stream of entries that were given up. */
    dead: `${base}dead:${group}`,
  };
}

/** Keys of the gateway replicas of one resource. */
export function replicaKeys(prefix: string, resource: string) {
  return {
    /** Sorted set of the replicas by their last beat. */
    seen: `${prefix}replicas:${resource}`,
    heartbeat: (replica: string) => `${prefix}replica:${resource}:${replica}`,
  };
}

/**
 * Hash of `<namespace>/<name>` to each source's report on itself, see source-report.ts. A source's own user may write
 * it: it is a key of sources without a name.
 */
export function sourcesKey(prefix: string): string {
  return `${prefix}{source:}:all`;
}

/**
 * Keys of one source, to which no stream belongs. All are on one shard, because scripts use several. `source` is
 * `<namespace>/<name>`.
 */
export function sourceKeys(prefix: string, source: string) {
  const base = `${prefix}{source:${source}}:`;
  return {
    /** Hash of `<replica>/<endpoint>` to that replica's report, see source-report.ts. */
    reports: `${base}reports`,
    /** The replica that publishes an endpoint's events: `<replica>:<token>`, with a time to live. */
    lead: (endpoint: string) => `${base}lead:${endpoint}`,
    /** Hash of endpoint to its position in the log, see source/collector/position.ts. */
    positions: `${base}positions`,
    /**
     * Hash of endpoint to its last gap that is in the log, see source-gap.ts; and of `<endpoint>/<from>` to each gap
     * that may not be in the log yet.
     */
    gaps: `${base}gaps`,
    /** Hash of Call-ID to the CREATE of each leg that the log has begun and not ended. */
    legs: (endpoint: string) => `${base}legs:${endpoint}`,
    /** Mark of the last connection of a switch that keeps its events, see source/collector/kept-mark.ts. */
    kept: (endpoint: string) => `${base}kept:${endpoint}`,
    /** Pattern of all of these. */
    everything: `${base}*`,
  };
}
