import assert from 'node:assert/strict';
import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { until } from '../../testing/until.ts';
import { aclRules } from '../../runtime/redis/acl.ts';
import { makeCertificates } from '../../testing/certificates.ts';
import { freePort } from '../../testing/free-port.ts';
import { ask } from '../../testing/redis-process.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { startTcpProxy } from '../../testing/tcp-proxy.ts';
import { diagnose } from './doctor.ts';
import type { Finding } from '../../protocol/finding.ts';
import { ofCheck, settings, troubles } from './testing.ts';

const LIMIT = { timeout: 60_000 };
const PASSWORD = 'canary-of-the-user';
const USER = `firehose ${aclRules()} >${PASSWORD}`;
const FULL = ['--appendonly', 'yes', '--maxmemory', '4gb', '--maxmemory-policy', 'noeviction'];

async function look(url: string, spec: object = {}, more: { environment?: object; now?: () => number } = {}) {
  await using given = await settings(spec, { REDIS_URL: url, ...more.environment });
  const findings = await diagnose(given.environment, more.now);
  assert.doesNotMatch(JSON.stringify(findings), /canary/);
  return findings.filter(({ check }) => !check.startsWith('gateway.'));
}

const asUser = ({ port }: RedisServer, password = PASSWORD) => `redis://firehose:${password}@127.0.0.1:${port}`;
const only = (findings: readonly Finding[], check: string) => {
  const found = ofCheck(findings, check);
  assert.equal(found.length, 1, JSON.stringify(findings));
  return found[0] as Finding;
};

describe('a Redis as it should be', () => {
  it('has nothing to be said of it, as the user of least privilege', LIMIT, async () => {
    await using redis = await startRedis({ args: FULL, users: [USER] });
    const findings = await look(asUser(redis));
    assert.deepEqual(troubles(findings), []);
    assert.match(only(findings, 'redis.version').seen, /^Redis \d+\./);
    assert.match(only(findings, 'redis.permissions').seen, /^the user firehose may do what a gateway needs$/);
    assert.deepEqual(await ask(redis.port, ['keys', '*']), [], 'nothing was written');
  });

  it('as it comes from the shelf works, and what it risks is said', LIMIT, async () => {
    await using redis = await startRedis();
    const findings = await look(redis.url);
    assert.deepEqual(
      troubles(findings).map((line) => line.split(': ')[0]),
      ['warn redis.persistence', 'warn redis.memory', 'warn redis.permissions'],
    );
  });
});

describe('a Redis that is wrong', () => {
  const state = (name: string, args: readonly string[], check: string, seen: RegExp) =>
    void it(name, LIMIT, async () => {
      await using redis = await startRedis({ args: [...FULL, ...args], users: [USER] });
      const finding = only(await look(asUser(redis)), check);
      assert.match(`${finding.status}: ${finding.seen}`, seen);
      assert.notEqual(finding.fix, null);
    });
  state('evicts', ['--maxmemory-policy', 'allkeys-lru'], 'redis.memory', /^fail: maxmemory-policy allkeys-lru/);
  state('is full', ['--maxmemory', '100kb'], 'redis.memory', /^fail: /);
  state('keeps nothing that this user may see', ['--appendonly', 'no'], 'redis.persistence', /^warn: no append-only/);

  it('does not sync, which only who may use CONFIG sees', LIMIT, async () => {
    await using redis = await startRedis({ args: [...FULL, '--appendfsync', 'no'] });
    assert.match(only(await look(redis.url), 'redis.persistence').seen, /appendfsync no/);
  });

  it('cannot write its snapshot', LIMIT, async () => {
    await using redis = await startRedis({ args: FULL });
    // A dump cannot replace a folder.
    await mkdir(join(redis.dir, 'dump.rdb'));
    await until('the status of the last dump', async () => {
      await ask(redis.port, ['bgsave']).catch(() => undefined);
      return String(await ask(redis.port, ['info', 'persistence'])).includes('rdb_last_bgsave_status:err');
    });
    assert.equal(only(await look(redis.url), 'redis.persistence').status, 'fail');
    await rmdir(join(redis.dir, 'dump.rdb'));
  });

  it('is a replica, or lacks the replicas that ingest waits for', LIMIT, async () => {
    await using redis = await startRedis({ args: [...FULL, '--replicaof', '127.0.0.1', String(await freePort())] });
    assert.match(only(await look(redis.url), 'redis.replication').seen, /is a replica/);
    await ask(redis.port, ['replicaof', 'no', 'one']);
    const waiting = await look(redis.url, { stream: { waitReplicas: 1 } });
    assert.match(only(waiting, 'redis.replication').seen, /0 replicas, spec.stream.waitReplicas is 1/);
  });

  it('has another time', LIMIT, async () => {
    await using redis = await startRedis({ args: FULL, users: [USER] });
    const off = async (ms: number) =>
      only(await look(asUser(redis), {}, { now: () => Date.now() + ms }), 'redis.clock').status;
    assert.deepEqual(
      [await off(0), await off(6_000), await off(60_000), await off(-60_000)],
      ['ok', 'warn', 'fail', 'fail'],
    );
  });
});

describe('a user who lacks something', () => {
  const lacks = (rules: string, expected: string) =>
    void it(rules, LIMIT, async () => {
      await using redis = await startRedis({ args: FULL, users: [`${USER} ${rules}`] });
      const { status, seen, fix } = only(await look(asUser(redis)), 'redis.permissions');
      assert.deepEqual([status, seen], ['fail', `the user firehose lacks ${expected}`]);
      assert.equal(fix, `ACL SETUSER firehose ${expected}, on every server`);
      await ask(redis.port, ['acl', 'setuser', 'firehose', ...expected.split(' ')]);
      assert.equal(only(await look(asUser(redis)), 'redis.permissions').status, 'ok');
    });
  lacks('-xadd -exec -xinfo', '+exec +xadd +xinfo|stream +xinfo|groups +xinfo|consumers');
  lacks('resetkeys ~other:*', '~firehose:*');
  lacks('-wait resetkeys ~other:*', '+wait ~firehose:*');

  it('-multi is told with all rules, and nothing is tried', LIMIT, async () => {
    await using redis = await startRedis({ args: FULL, users: [`${USER} -multi`] });
    const { status, fix } = only(await look(asUser(redis)), 'redis.permissions');
    assert.deepEqual([status, fix], ['fail', `ACL SETUSER firehose ${aclRules()}`]);
    assert.deepEqual(await ask(redis.port, ['keys', '*']), []);
  });

  it('each of the rules, taken away alone, is missed', { timeout: 120_000 }, async () => {
    await using redis = await startRedis({ args: FULL, users: [USER] });
    const commands = aclRules()
      .split(' ')
      .filter((rule) => rule.startsWith('+') && !/cluster|asking|readonly|readwrite|multi$/.test(rule));
    assert.ok(commands.length > 50);
    for (const rule of commands) {
      await ask(redis.port, ['acl', 'setuser', 'firehose', rule.replace('+', '-')]);
      const finding = only(await look(asUser(redis)), 'redis.permissions');
      assert.equal(finding.seen, `the user firehose lacks ${rule}`);
      await ask(redis.port, ['acl', 'setuser', 'firehose', rule]);
    }
  });
});

describe('a Redis that cannot be reached', () => {
  const unreached = async (url: string, code: string, more: { spec?: object; environment?: object } = {}) => {
    const findings = await look(url, more.spec, { environment: more.environment ?? {} });
    assert.deepEqual(troubles(findings), [`fail redis.server: cannot be used (${code})`]);
  };

  it('wants another login, or any', LIMIT, async () => {
    await using redis = await startRedis({ args: ['--requirepass', 'canary'], users: [USER] });
    await unreached(asUser(redis, 'canary-wrong'), 'WRONGPASS');
    await unreached(redis.url, 'NOAUTH');
  });

  it('is not there, or has another name', LIMIT, async () => {
    await unreached(`redis://:canary@127.0.0.1:${await freePort()}`, 'UNREACHABLE');
    await unreached('redis://:canary@no-such-host.invalid', 'UNREACHABLE');
  });

  it('takes connections and says nothing: every wait has an end', LIMIT, async () => {
    await using redis = await startRedis();
    await using proxy = await startTcpProxy(redis.port);
    proxy.blackHole(true);
    await unreached(proxy.url, 'TIMEOUT');
  });

  it('is busy', LIMIT, async () => {
    await using redis = await startRedis({ args: ['--busy-reply-threshold', '50'] });
    const running = ask(redis.port, ['eval', 'while true do end', 0]).catch(() => undefined);
    await until('Redis busy', () =>
      ask(redis.port, ['ping']).then(
        () => false,
        (error: Error) => error.message.startsWith('BUSY'),
      ),
    );
    await unreached(redis.url, 'BUSY');
    await ask(redis.port, ['script', 'kill']);
    await running;
  });

  it('speaks TLS on one side alone, shows a certificate that is not trusted, or of another name', LIMIT, async () => {
    await using certificates = await makeCertificates('redis.internal');
    await using redis = await startRedis({ tls: certificates, args: FULL });
    const { port } = new URL(redis.tlsUrl);
    await unreached(`redis://:canary@127.0.0.1:${port}`, 'TLS_REQUIRED');
    await unreached(`rediss://:canary@127.0.0.1:${redis.port}`, 'TLS_ABSENT');
    const named = { redis: { tls: { serverName: 'redis.internal' } } };
    const environment = { REDIS_CA_FILE: certificates.caFile };
    await unreached(redis.tlsUrl, 'TLS', { spec: named });
    await unreached(redis.tlsUrl, 'TLS', { environment });
    const findings = await look(redis.tlsUrl, named, { environment });
    assert.equal(only(findings, 'redis.version').status, 'ok');
    const [ca] = ofCheck(findings, 'certificate').filter(({ subject }) => subject === 'REDIS_CA_FILE');
    assert.match(ca?.seen ?? '', /^is valid until /);
  });
});
