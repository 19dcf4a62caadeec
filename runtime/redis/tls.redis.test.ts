import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { silentLogger } from '../logging/logger.ts';
import { makeCertificates, type Certificates } from '../../testing/certificates.ts';
import { connectionWith } from '../../testing/redis-connection.ts';
import { startCluster } from '../../testing/redis-cluster.ts';
import { MASTER_NAME, startSentinel } from '../../testing/redis-sentinel.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { recordedLogger } from '../../testing/recorded-logger.ts';
import { until } from '../../testing/until.ts';
import { becomesReady, blockingClient, commandClient } from './client.ts';
import type { RedisConnection } from './connection.ts';
import { outageCode } from './outage.ts';

let certificates: Certificates;
let pem: { ca: string; cert: string; key: string };
before(async () => {
  certificates = await makeCertificates('redis.internal');
  const [ca, cert, key] = await Promise.all(
    [certificates.caFile, certificates.certFile, certificates.keyFile].map((file) => readFile(file, 'utf8')),
  );
  pem = { ca: ca ?? '', cert: cert ?? '', key: key ?? '' };
});
after(() => certificates[Symbol.asyncDispose]());

const NAMED = { tls: { serverName: 'redis.internal' } };

/** `ok` once commands are answered, else why there is no connection. */
async function reach(connection: RedisConnection): Promise<string> {
  const client = commandClient(connection, { logger: silentLogger, name: 'test' });
  const failed = new Promise<void>((resolve) => client.on('error', () => resolve()));
  try {
    await Promise.race([becomesReady(client, 10_000), failed]);
    return client.status === 'ready' ? await client.set('firehose:key', '1') : (outageCode(client) ?? 'nothing');
  } finally {
    client.disconnect();
  }
}

describe('TLS', () => {
  it('needs the authority and the right name', async () => {
    await using redis = await startRedis({ tls: certificates });
    assert.equal(await reach(connectionWith(redis.tlsUrl, NAMED, { ca: pem.ca })), 'OK');
    assert.equal(await reach(connectionWith(redis.tlsUrl, NAMED)), 'TLS', 'an authority that is not trusted');
    assert.equal(await reach(connectionWith(redis.tlsUrl, {}, { ca: pem.ca })), 'TLS', 'a certificate of another name');
    const enabled = { tls: { enabled: true, ...NAMED.tls } };
    assert.equal(await reach(connectionWith(redis.tlsUrl.replace('rediss', 'redis'), enabled, { ca: pem.ca })), 'OK');
  });

  it('names a mismatch both ways: TLS to a plain port, and plain text to a TLS port', { timeout: 60_000 }, async () => {
    await using redis = await startRedis({ tls: certificates });
    const says = async (connection: RedisConnection, remedy: RegExp) => {
      const { lines, logger } = recordedLogger();
      const client = commandClient(connection, { logger, name: 'test' });
      try {
        await until('the remedy in the log', () => lines.join(), {
          holds: (seen) => remedy.test(seen),
          limitMs: 20_000,
        });
        assert.match(lines.join(), /"server":"[a-z0-9.]+:\d+"/);
      } finally {
        client.disconnect();
      }
    };
    await says(connectionWith(redis.url.replace('redis:', 'rediss:'), NAMED, { ca: pem.ca }), /no TLS handshake: /);
    await says(connectionWith(redis.tlsUrl.replace('rediss:', 'redis:'), {}), /closed at once: .* use rediss:/);
  });

  it('shows a client certificate where Redis asks for one', async () => {
    await using redis = await startRedis({ tls: certificates, clientCertificates: true });
    assert.equal(await reach(connectionWith(redis.tlsUrl, NAMED, pem)), 'OK');
    assert.notEqual(await reach(connectionWith(redis.tlsUrl, NAMED, { ca: pem.ca })), 'OK');
    const reader = blockingClient(connectionWith(redis.tlsUrl, NAMED, pem), { logger: silentLogger, name: 'test' });
    await reader.connect();
    reader.disconnect();
  });

  it('goes to sentinels and to the servers that they name', async () => {
    await using sentinel = await startSentinel({ tls: certificates, replicas: 0 });
    const redis = { mode: 'Sentinel', sentinel: { masterName: MASTER_NAME }, ...NAMED };
    assert.equal(await reach(connectionWith(sentinel.url, redis, { ca: pem.ca })), 'OK');
  });

  it('goes to every node of a cluster', async () => {
    await using cluster = await startCluster({ tls: certificates });
    assert.equal(await reach(connectionWith(cluster.url, { mode: 'Cluster', ...NAMED }, { ca: pem.ca })), 'OK');
  });
});

describe('where it is not what it seems', () => {
  it('a master that no sentinel knows is said so', async () => {
    await using sentinel = await startSentinel({ replicas: 0 });
    const redis = { mode: 'Sentinel', sentinel: { masterName: 'another' } };
    assert.equal(await reach(connectionWith(sentinel.url, redis)), 'UNKNOWN_MASTER');
  });

  it('a database that Redis does not have is never replaced by database 0', async () => {
    await using redis = await startRedis();
    assert.equal(await reach(connectionWith(redis.url, { database: 99 })), 'ERR');
    assert.equal(await reach(connectionWith(redis.url, { database: 3 })), 'OK');
  });
});
