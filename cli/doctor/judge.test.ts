import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { consumerGroups } from '../../protocol/subscription/consumer-groups.ts';
import { createAuthority } from '../../runtime/certificates/certificate.ts';
import { judgeCertificate } from './certificates.ts';
import { judgeClock } from './clock.ts';
import { about, worst, type Status } from '../../protocol/finding.ts';
import { asJson, asText } from './finding.ts';
import { judgeServer, type ServerLook } from './judge-server.ts';
import { judgeGroups, judgeKeys, judgeLayout } from './judge-streams.ts';
import { bounded } from './limit.ts';

const GOOD = {
  redis_version: '7.0.15',
  role: 'master',
  aof_enabled: '1',
  used_memory: '1000',
  maxmemory: '100000',
  maxmemory_policy: 'noeviction',
  connected_clients: '3',
  maxclients: '10000',
  connected_slaves: '1',
};

function server(fields: object = {}, more: Partial<ServerLook> = {}, waitReplicas = 0) {
  const info = new Map(Object.entries({ ...GOOD, ...fields } as Record<string, string>));
  const look = { address: 'a:1', expected: 'master', info, appendfsync: 'everysec', save: '', ...more } as const;
  return judgeServer(look, { waitReplicas });
}

describe('what a server says of itself', () => {
  it('is fine, or one finding is not, with something to do about it', () => {
    assert.deepEqual(new Set(server().map(({ status }) => status)), new Set(['ok']));
    const cases: [check: string, Status, fields: object, more?: Partial<ServerLook>, waitReplicas?: number][] = [
      ['redis.version', 'fail', { redis_version: '6.2.14' }],
      ['redis.version', 'ok', { redis_version: '7.2.4', valkey_version: '8.0.1' }],
      ['redis.persistence', 'fail', { loading: '1' }],
      ['redis.persistence', 'fail', { aof_last_write_status: 'err' }],
      ['redis.persistence', 'fail', { rdb_last_bgsave_status: 'err' }],
      ['redis.persistence', 'warn', {}, { appendfsync: 'no' }],
      ['redis.persistence', 'ok', {}, { appendfsync: null }],
      ['redis.persistence', 'warn', { aof_enabled: '0' }, { save: null }],
      ['redis.persistence', 'warn', { aof_enabled: '0' }],
      ['redis.persistence', 'warn', { aof_enabled: '0' }, { save: '3600 1' }],
      ['redis.memory', 'fail', { maxmemory_policy: 'allkeys-lru' }],
      ['redis.memory', 'fail', { maxmemory_policy: 'volatile-ttl', maxmemory: '0', evicted_keys: '4' }],
      ['redis.memory', 'warn', { maxmemory: '0' }],
      ['redis.memory', 'warn', { used_memory: '85000' }],
      ['redis.memory', 'fail', { used_memory: '99000' }],
      ['redis.connections', 'warn', { connected_clients: '9000' }],
      ['redis.replication', 'fail', {}, {}, 2],
      ['redis.replication', 'fail', { role: 'slave', master_link_status: 'up' }],
      ['redis.replication', 'ok', { role: 'slave', master_link_status: 'up' }, { expected: 'replica' }],
      ['redis.replication', 'fail', { role: 'slave', master_link_status: 'down' }, { expected: 'replica' }],
    ];
    for (const [check, status, fields, more, waitReplicas] of cases) {
      const findings = server(fields, more, waitReplicas);
      const found = findings.find((finding) => finding.check === check);
      assert.equal(found?.status, status, JSON.stringify([check, fields, found]));
      assert.equal(found.fix === null, status === 'ok');
      const others = findings.filter((finding) => finding.check !== check && finding.status !== 'ok');
      assert.deepEqual(others, []);
    }
  });
});

describe('a clock', () => {
  const reading = { check: 'c', subject: '', asked: 100_000, answered: 100_400 };
  it('is off by at least what the way there and back cannot explain', () => {
    const status = (time: number) => judgeClock({ ...reading, earliest: time, latest: time }).status;
    assert.deepEqual([100_000, 100_400, 101_400, 99_000].map(status), ['ok', 'ok', 'ok', 'ok']);
    assert.deepEqual([101_500, 98_900].map(status), ['warn', 'warn']);
    assert.deepEqual([130_000, 70_000].map(status), ['fail', 'fail']);
    const seen = judgeClock({ ...reading, earliest: 130_400, latest: 130_400 }).seen;
    assert.equal(seen, "the clock is 30.0 s ahead of this machine's, more than tokens allow for");
  });
});

describe('a certificate', () => {
  it('is fine, ends soon, has ended, or has not begun', async () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    const { cert } = await createAuthority({ subject: 'CN=test', now, days: 100 });
    const at = (days: number) => {
      const input = { say: about('certificate'), now: now + days * 86_400_000, fix: 'renew' };
      return judgeCertificate(new X509Certificate(cert), input).status;
    };
    assert.deepEqual([-2, 0, 80, 90, 101].map(at), ['fail', 'ok', 'ok', 'warn', 'fail']);
  });

  it('that lives for a day is no worry on its first', async () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    const { cert } = await createAuthority({ subject: 'CN=test', now, days: 1 });
    const at = (hours: number) =>
      judgeCertificate(new X509Certificate(cert), { say: about('c'), now: now + hours * 3_600_000, fix: '' }).status;
    assert.deepEqual([0, 12, 20].map(at), ['ok', 'ok', 'warn']);
  });

  it('is said to last days, its last day in hours, and its last hour as one', async () => {
    const { cert } = await createAuthority({ subject: 'CN=a', now: 0, days: 100 });
    const certificate = new X509Certificate(cert);
    const end = Date.parse(certificate.validTo);
    const seen = (hours: number) =>
      judgeCertificate(certificate, { say: about('c'), now: end - hours * 3_600_000, fix: '' }).seen;
    assert.match(seen(48), /^ends in 2 days, /);
    assert.match(seen(24), /^ends in 1 day, /);
    assert.match(seen(7.5), /^ends in 7 hours, /);
    assert.match(seen(0.5), /^ends in less than an hour, /);
    assert.match(seen(-0.1), /^has expired /);
  });
});

describe('streams, groups and replicas', () => {
  const made = { exists: true, epoch: 'e', partitions: '2', format: '1' };
  const absent = { exists: false, epoch: null, partitions: null, format: null };
  it('are not there yet, as wanted, of another layout, of another format, or partly lost', () => {
    const layout = (...looks: (typeof made | typeof absent)[]) =>
      judgeLayout(looks, { partitions: 2, format: '1' }).map(({ status }) => status);
    assert.deepEqual(layout(absent, absent), ['ok']);
    assert.deepEqual(layout(made, made), ['ok']);
    assert.deepEqual(layout({ ...made, partitions: '4' }, made), ['fail']);
    assert.deepEqual(layout(made, { ...made, format: '2' }), ['fail']);
    assert.deepEqual(layout(made, absent), ['warn']);
    assert.deepEqual(layout(made, { ...made, exists: false }), ['warn']);
  });

  it('a group that is behind by half of what is kept is told before it loses', () => {
    const partition = { length: 100, added: 100, newest: '9-1', oldest: '1-1', bytes: 0, names: [], groups: {} };
    const known = { accounts: 2, missing: 0, isExact: true, pending: 2, consumers: 1, oldestPendingAt: null };
    const look = (lag: number, dead = 0, used = 1) => {
      const declared = consumerGroups.parse([{ name: 'default' }]);
      const groups = [{ ...known, used, lag, worstLag: lag, dead }];
      return judgeGroups({ partitions: [partition], groups }, { groups: declared, maxLength: 100 })[0];
    };
    assert.deepEqual([look(50)?.status, look(51)?.status, look(0, 3)?.status], ['ok', 'warn', 'warn']);
    assert.deepEqual([look(0, 0, 0)?.status, look(0, 0, 0)?.seen], ['ok', 'is not used yet']);
    assert.match(look(0, 3)?.fix ?? '', /dead-letters list --group default/);
  });

  it('replicas with keys of their own are told apart from a rotation under way', () => {
    const replica = (name: string, ...keys: string[]) => ({
      replica: name,
      connections: 1,
      keys,
      groups: {},
      revision: '',
      leaving: false,
    });
    assert.equal(judgeKeys([], 'a')[0]?.status, 'ok');
    assert.equal(judgeKeys([replica('x', 'a', 'b'), replica('y', 'a', 'b')], 'a')[0]?.status, 'ok');
    assert.equal(judgeKeys([replica('x', 'a', 'b'), replica('y', 'b', 'a')], 'a')[0]?.status, 'ok');
    assert.equal(judgeKeys([replica('x', 'a'), replica('y', 'b')], 'a')[0]?.status, 'fail');
    assert.equal(judgeKeys([replica('x', 'a')], 'other')[0]?.status, 'warn');
  });
});

describe('what is printed', () => {
  const findings = [about('a').ok('fine'), about('longer', 'file\u001b[2J').warn('so\nso', 'do this')];
  it('is a line each with its fix below, and nothing in it moves the cursor', () => {
    const lines = [
      'ok    a       fine',
      'warn  longer  file?[2J: so?so',
      '              -> do this',
      '1 ok, 1 warn, 0 fail',
      '',
    ];
    assert.equal(asText(findings), lines.join('\n'));
    assert.equal(worst(findings), 'warn');
    assert.equal(worst([]), 'ok');
  });

  it('or one document', () => {
    assert.deepEqual(JSON.parse(asJson(findings)), { status: 'warn', findings });
  });
});

describe('a check', () => {
  it('that never ends, or throws what holds a secret, is a finding', async () => {
    const [late] = await bounded('x', () => new Promise(() => undefined), 20);
    assert.deepEqual([late?.check, late?.status], ['x', 'fail']);
    const [thrown] = await bounded('x', () => Promise.reject(new TypeError('canary')));
    assert.equal(thrown?.seen, 'the check itself failed (TypeError)');
  });
});
