import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectionWith } from '../../testing/redis-connection.ts';
import { connectionOf, parseRedisUrl, redisConnection } from './connection.ts';

describe('the URL', () => {
  it('names one server, with user, password and database', () => {
    assert.deepEqual(parseRedisUrl('rediss://fire%40hose:p%3Aw%2F@redis.example.com:6380/3'), {
      isTls: true,
      username: 'fire@hose',
      password: 'p:w/',
      nodes: [{ host: 'redis.example.com', port: 6_380 }],
      database: 3,
    });
  });

  it('names several servers, some without a port and some by IPv6 address', () => {
    const nodes = parseRedisUrl('redis://:secret@one,two:7000,[::1]:7001', 26_379)?.nodes;
    assert.deepEqual(nodes, [
      { host: 'one', port: 26_379 },
      { host: 'two', port: 7_000 },
      { host: '::1', port: 7_001 },
    ]);
  });

  it('is refused when anything of it cannot be read', () => {
    const wrong = [
      'http://a',
      'redis://',
      'redis://a:0',
      'redis://a:65536',
      'redis://a,,b',
      'redis://a/x',
      'redis://a b',
    ];
    for (const url of [...wrong, 'redis://u:%zz@a', 'redis://a?x=1']) assert.equal(parseRedisUrl(url), null, url);
  });
});

describe('the connection', () => {
  it('is refused with a word about brackets where an IPv6 address has none, and never with the URL', () => {
    const spec = { mode: 'Standalone' } as Parameters<typeof redisConnection>[0]['spec'];
    for (const url of ['redis://::1:6379', 'redis://u:canary@2001:db8::1:6379/0', 'rediss://a:1,fe80::1:6379']) {
      const outcome = redisConnection({ url, spec });
      assert.deepEqual(outcome, { faults: ['REDIS_URL: an IPv6 address needs brackets: redis://[2001:db8::1]:6379'] });
    }
    for (const url of ['redis://u:p@a:0', 'redis://a b', 'redis://u:p:q@h:x']) {
      assert.doesNotMatch(JSON.stringify(redisConnection({ url, spec })), /brackets/, url);
    }
  });

  const sentinel = { mode: 'Sentinel', sentinel: { masterName: 'main' } };

  it('of a URL alone is a single server without TLS', () => {
    const { mode, nodes, tls, sentinel: none, database } = connectionOf('redis://h');
    assert.deepEqual(
      { mode, nodes, tls, none, database },
      {
        mode: 'Standalone',
        nodes: [{ host: 'h', port: 6_379 }],
        tls: null,
        none: null,
        database: 0,
      },
    );
  });

  it('has TLS by the scheme or by the field', () => {
    const tls = { ca: '', cert: '', key: '', serverName: '' };
    assert.deepEqual(connectionWith('rediss://h', {}).tls, tls);
    assert.deepEqual(connectionWith('redis://h', { tls: { enabled: true, serverName: 'r' } }).tls, {
      ...tls,
      serverName: 'r',
    });
  });

  it('takes the database from the field or the URL', () => {
    assert.equal(connectionWith('redis://h/2', {}).database, 2);
    assert.equal(connectionWith('redis://h', { database: 2 }).database, 2);
    assert.equal(connectionWith('redis://a,b', { ...sentinel, database: 2 }).nodes[1]?.port, 26_379);
  });

  it('tells every fault at once, and no secret', () => {
    const attempt = () =>
      connectionWith(
        'redis://u:canary@a,b/1',
        { database: 2, tls: { serverName: 'r' } },
        {
          ca: 'x',
          cert: 'x',
          sentinelPassword: 'canary',
        },
      );
    assert.throws(attempt, (error: Error) => {
      assert.equal(error.message.split('; ').length, 6, error.message);
      assert.doesNotMatch(error.message, /canary/);
      return true;
    });
  });

  it('is refused when mode and fields do not agree', () => {
    const wrong = [{ mode: 'Sentinel' }, { sentinel: { masterName: 'x' } }, { mode: 'Cluster', database: 1 }];
    for (const redis of wrong) assert.throws(() => connectionWith('redis://h', redis), JSON.stringify(redis));
    assert.throws(() => connectionWith('redis://h/1', { mode: 'Cluster' }), /only database 0/);
  });
});
