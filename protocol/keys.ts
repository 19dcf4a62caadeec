/** Redis keys. `{p}` is the partition and the cluster hash tag: everything a stream depends on lives on its shard. */
export interface StreamKeys {
  readonly events: string;
  readonly meta: string;
  readonly trim: string;
  seen(eventId: string): string;
}

export const DEFAULT_KEY_PREFIX = 'firehose:';

export function streamKeys(prefix: string, partition: number): StreamKeys {
  const base = `${prefix}{${partition}}:`;
  return {
    events: `${base}events`,
    meta: `${base}meta`,
    trim: `${base}trim`,
    seen: (eventId) => `${base}seen:${eventId}`,
  };
}

/** Keys of one resource that no stream depends on, each on a shard of its own. `resource` is `<namespace>/<name>`. */
export function resourceKeys(prefix: string, resource: string) {
  const base = `${prefix}${resource}:`;
  return {
    grant: (tokenId: string) => `${base}grant:${tokenId}`,
    revoked: `${base}revoked`,
    /** Places taken by connections of this login account. */
    places: (account: string) => `${base}places:${account}`,
    limit: (limiter: string) => `${base}limit:${limiter}`,
  };
}
