const REMEDIES: Readonly<Record<string, string>> = {
  NOPERM: 'the Redis user lacks a command or a key: give it the rules of runtime/redis/README.md',
  NOAUTH: 'Redis wants a password: put it into REDIS_URL',
  WRONGPASS: 'Redis refuses user or password of REDIS_URL',
  UNKNOWN_MASTER: 'no sentinel knows a master of the name spec.redis.sentinel.masterName',
  TLS: "the server's certificate is not trusted or not for this name: see REDIS_CA_FILE and spec.redis.tls.serverName",
  ADDRESS_REFUSED: 'the address is link-local, of a metadata service or loopback: FIREHOSE_ADDRESS_GUARD refuses it',
  OOM: 'Redis has used its maxmemory: raise it, or keep less (spec.stream.retention)',
  MISCONF: 'Redis cannot write its dump or append-only file: look at its disk',
  READONLY: 'this server is a replica: REDIS_URL must lead to the master',
  NOREPLICAS: 'fewer replicas than spec.stream.waitReplicas (or min-replicas-to-write) are in step',
  FAILOVER: 'the sentinels doubt the master, or too few of them answer: nothing is acknowledged until they agree',
  TOO_OLD: 'the server is older than Redis 7.0: update it, or use Valkey',
  EXHAUSTED: 'an entry with the greatest possible id was written to a stream: see FirehoseStreamAhead in the runbook',
  CLUSTERDOWN: 'a shard of the cluster has no master',
  CROSSSLOT: 'this is a cluster: spec.redis.mode must say so',
  MOVED: 'this is a cluster: spec.redis.mode must say so',
  WRONGTYPE: 'something else lies under a key of spec.redis.keyPrefix',
};

/** What to do about a code of `redisErrorCode`, as fields of a log line; none when the fault ends by itself. */
export function remedyFor(code: string): { readonly remedy?: string } {
  const remedy = REMEDIES[code];
  return remedy === undefined ? {} : { remedy };
}
