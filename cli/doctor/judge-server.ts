import { about, type Finding } from '../../protocol/finding.ts';

/** A server's report about itself. */
export interface ServerLook {
  readonly address: string;
  /** Its role according to the server that named it. */
  readonly expected: 'master' | 'replica';
  /** The fields of INFO. */
  readonly info: ReadonlyMap<string, string>;
  /** Null when CONFIG is forbidden to this user, as it should be. */
  readonly appendfsync: string | null;
  readonly save: string | null;
}

const FLOOR = 7;
const FULL = 0.95;
const FILLING = 0.8;

/** Pure: one finding each about version, persistence, memory, connections and replication. */
export function judgeServer(look: ServerLook, needs: { readonly waitReplicas: number }): Finding[] {
  return [
    judgeVersion(look),
    judgePersistence(look),
    judgeMemory(look),
    judgeConnections(look),
    judgeReplication(look, needs.waitReplicas),
  ];
}

function judgeVersion({ address, info }: ServerLook): Finding {
  const say = about('redis.version', address);
  const [redis = '', valkey] = [info.get('redis_version'), info.get('valkey_version')];
  const name = valkey === undefined ? `Redis ${redis}` : `Valkey ${valkey}`;
  if (Number(redis.split('.')[0]) >= FLOOR) return say.ok(name);
  return say.fail(`${name} is too old`, 'update it to 7.0 or newer, or to Valkey');
}

const TRY = 'CONFIG SET, and in redis.conf:';

function judgePersistence({ address, info, appendfsync, save }: ServerLook): Finding {
  const say = about('redis.persistence', address);
  if (info.get('loading') === '1') return say.fail('loads its data still', 'wait until it is through');
  const isAof = info.get('aof_enabled') === '1';
  if (isAof && info.get('aof_last_write_status') === 'err') {
    return say.fail('cannot write its append-only file', 'look at its disk: until then it refuses every write');
  }
  if (info.get('rdb_last_bgsave_status') === 'err') {
    const fix = 'look at its disk and memory: with stop-writes-on-bgsave-error it refuses every write until then';
    return say.fail('its last snapshot failed', fix);
  }
  if (!isAof) return withoutAof(say, save);
  if (appendfsync === 'no') {
    const fix = `${TRY} appendfsync everysec (or always, if a power loss must lose nothing)`;
    return say.warn('an append-only file, synced when the system likes (appendfsync no)', fix);
  }
  const when = { always: 'with each write', everysec: 'each second' }[appendfsync ?? ''];
  return say.ok(`an append-only file, ${when === undefined ? 'appendfsync not shown to this user' : `synced ${when}`}`);
}

function withoutAof(say: ReturnType<typeof about>, save: string | null): Finding {
  const fix = `${TRY} appendonly yes, appendfsync everysec`;
  if (save === null)
    return say.warn('no append-only file: a crash loses what came since the last snapshot, if any', fix);
  if (save.trim() === '') return say.warn('nothing is kept: a restart loses every event', fix);
  return say.warn('snapshots alone: a crash loses what came since the last one', fix);
}

function judgeMemory({ address, info }: ServerLook): Finding {
  const say = about('redis.memory', address);
  const [used, most] = [numberOf(info, 'used_memory'), numberOf(info, 'maxmemory')];
  const policy = info.get('maxmemory_policy') ?? 'unknown';
  const evicted = numberOf(info, 'evicted_keys');
  const keep = `${TRY} maxmemory-policy noeviction`;
  if (policy !== 'noeviction' && (most > 0 || evicted > 0)) {
    const done = evicted > 0 ? `, ${evicted} keys are gone already` : '';
    return say.fail(`maxmemory-policy ${policy} throws away streams or leases${done}`, keep);
  }
  if (most === 0) {
    const fix = `${TRY} maxmemory, at most three quarters of the machine's, and maxmemory-policy noeviction`;
    return say.warn(`${mebibytes(used)} in use, no maxmemory: the system ends the process when memory is out`, fix);
  }
  const seen = `${mebibytes(used)} of ${mebibytes(most)} in use (${Math.round((used / most) * 100)} %), ${policy}`;
  const more = 'raise maxmemory, or keep less (spec.stream.retention)';
  if (used > most * FULL) return say.fail(seen, `${more}: events are refused with OOM when it is full`);
  return used > most * FILLING ? say.warn(seen, more) : say.ok(seen);
}

function judgeConnections({ address, info }: ServerLook): Finding {
  const say = about('redis.connections', address);
  const [now, most] = [numberOf(info, 'connected_clients'), numberOf(info, 'maxclients')];
  const rejected = numberOf(info, 'rejected_connections');
  const seen = `${now} of ${most} taken${rejected > 0 ? `, ${rejected} refused since its start` : ''}`;
  const isFull = most > 0 && now > most * FILLING;
  return isFull ? say.warn(seen, 'raise maxclients, or find who holds so many (CLIENT LIST)') : say.ok(seen);
}

function judgeReplication({ address, info, expected }: ServerLook, waitReplicas: number): Finding {
  const say = about('redis.replication', address);
  if (info.get('role') === 'slave') {
    if (expected === 'master') {
      const fix = 'name the master in REDIS_URL, or use Sentinel; during a failover wait for its end';
      return say.fail('is a replica, and takes no events', fix);
    }
    const of = `${info.get('master_host') ?? ''}:${info.get('master_port') ?? ''}`;
    if (info.get('master_link_status') === 'up') return say.ok(`a replica of ${of}, in step`);
    return say.fail(`a replica that has lost its master ${of}`, 'look at its log: network, masterauth, TLS');
  }
  const replicas = numberOf(info, 'connected_slaves');
  if (replicas >= waitReplicas) return say.ok(`a master with ${replicas} replicas`);
  const seen = `a master with ${replicas} replicas, spec.stream.waitReplicas is ${waitReplicas}`;
  return say.fail(seen, 'bring the replicas back: until then ingest answers NOREPLICAS');
}

export function numberOf(info: ReadonlyMap<string, string>, field: string): number {
  return Number(info.get(field) ?? 0);
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(bytes < 10_485_760 ? 1 : 0)} MiB`;
}
