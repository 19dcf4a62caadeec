import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { directoryAnswerSchema, healthAnswerSchema, sourcesAnswerSchema } from '../protocol/administration.ts';
import { sourceKeys, sourcesKey } from '../protocol/keys.ts';
import { ADMINISTRATION_PATH } from '../protocol/paths.ts';
import { encodeSourceGap } from '../protocol/source-gap.ts';
import { encodeSourceReport, reportField } from '../protocol/source-report.ts';
import { startGateway, type RunningGateway } from '../gateway/testing/running-gateway.ts';
import { silentLogger } from '../runtime/logging/logger.ts';
import { sourceAclRules } from '../runtime/redis/acl.ts';
import { becomesReady, commandClient } from '../runtime/redis/client.ts';
import { registerSource } from '../source/register-source.ts';
import { ask } from '../testing/redis-process.ts';
import { startRedis, type RedisServer } from '../testing/redis-server.ts';
import { until } from '../testing/until.ts';
import { typeCommand } from './testing/type-command.ts';

const LIMIT = { timeout: 120_000 };
const PASSWORD = 'canary-of-the-source';
const SOURCE = 'voice/pbx';
const NOW = 1_763_979_370_000;
const TIME = new Date(NOW).toISOString();

/** Directory, sources and health of two replicas, by the commands and over HTTP. */
describe('directory, sources and health', LIMIT, () => {
  let redis: RedisServer;
  let one: RunningGateway;
  let other: RunningGateway;
  before(async () => {
    redis = await startRedis({ users: [`source ${sourceAclRules()} >${PASSWORD}`] });
    one = await startGateway({ redisUrl: redis.url });
    other = await one.another();
  });
  after(async () => {
    await other[Symbol.asyncDispose]();
    await one[Symbol.asyncDispose]();
    await redis.stop();
  });

  const directory = async (query = '') =>
    directoryAnswerSchema.parse((await one.administer(`/directory${query}`)).body);

  test('the whole tree is listed by pages, with users and without a hash', LIMIT, async () => {
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const { accounts, next } = await directory(`?limit=2${after === null ? '' : `&after=${after}`}`);
      seen.push(...accounts.map(({ id }) => id));
      after = next;
    } while (after !== null);
    assert.equal(seen.length, 5);
    assert.equal(new Set(seen).size, 5);
    const { status, accounts } = await directory();
    assert.deepEqual([status.accounts, status.users, status.confirmed_at, status.fault], [5, 2, null, null]);
    const north = accounts.find(({ id }) => id === 'account_id_1');
    assert.deepEqual(north?.users, [{ username: 'operator', enabled: true, privacy: null }]);
    assert.deepEqual([north?.children, north?.active, north?.users_total], [2, true, 1]);
    const everything = JSON.stringify((await one.administer('/directory')).body);
    assert.doesNotMatch(everything, /argon2|passwordHash|RvC0N43H/);
  });

  test('a part of the tree is chosen by its parent, id, name or realm', LIMIT, async () => {
    const ids = async (query: string) => (await directory(query)).accounts.map(({ id }) => id);
    assert.deepEqual(await ids('?parent='), ['91eb05e5c68d7ca05e7618b6821d2d16']);
    assert.deepEqual(await ids('?parent=account_id_1'), ['account_id_3', 'account_id_4']);
    assert.deepEqual(await ids('?parent=account_id_1&limit=1&after=account_id_3'), ['account_id_4']);
    assert.deepEqual(await ids('?account=account_id_2'), ['account_id_2']);
    assert.deepEqual(await ids('?domain=NORTH-SALES'), ['account_id_3']);
    assert.deepEqual(await ids('?domain=sales.north.sip.example.com'), ['account_id_3']);
  });

  test('what the directory lacks is 404, and what the query does not take is 400', LIMIT, async () => {
    for (const query of [
      '?account=nobody',
      '?parent=nobody',
      '?domain=nobody',
      '?after=nobody',
      '?account=__proto__',
    ]) {
      const { status, body } = await one.administer(`/directory${query}`);
      assert.deepEqual([status, body['code']], [404, 'not_in_directory'], query);
    }
    for (const query of ['?limit=0', '?account=a&domain=b', '?x=1', '?account=a%20b', '?domain=']) {
      const { status, body } = await one.administer(`/directory${query}`);
      assert.deepEqual([status, body['code']], [400, 'invalid_query'], query);
    }
  });

  test('a source is listed from its first moment on, with what its replicas report', LIMIT, async () => {
    assert.deepEqual((await one.administer('/sources')).body, { sources: [] });
    const url = redis.url.replace('redis://', `redis://source:${PASSWORD}@`);
    const client = commandClient(url, { logger: silentLogger, name: 'test' });
    assert.ok(await becomesReady(client, 30_000));
    const stop = new AbortController();
    const place = { client, keyPrefix: 'firehose:', source: SOURCE, kind: 'asterisk' };
    await client.hset(sourcesKey('firehose:'), 'voice/gone', '{"kind":"asterisk","at":1}', 'voice/odd', 'unreadable');
    const registering = registerSource({ ...place, now: () => NOW, signal: stop.signal });
    const keys = sourceKeys('firehose:', SOURCE);
    const live = { state: 'Live', since: NOW, reason: '', instance: 'i', bound: null, at: NOW } as const;
    await client.hset(
      keys.reports,
      reportField('a', 'fs1'),
      encodeSourceReport({ ...live, leading: true, heard: { from: NOW, to: NOW } }),
      reportField('b', 'fs1'),
      encodeSourceReport({ ...live, state: 'Waiting', reason: 'Credentials', leading: false, heard: null }),
    );
    const gap = {
      source: SOURCE,
      endpoint: 'fs1',
      reason: 'overflow',
      from: NOW,
      to: NOW,
      legs_ended: 2,
      legs_begun: 1,
    } as const;
    await client.hset(keys.gaps, 'fs1', encodeSourceGap(gap), `fs1/${NOW}`, encodeSourceGap(gap));
    const asked = await until(
      'the source in the list, alone',
      async () => sourcesAnswerSchema.parse((await other.administer('/sources')).body).sources,
      { holds: (sources) => sources.length === 1 },
    );
    stop.abort();
    await registering;
    client.disconnect();
    const [source] = asked;
    assert.deepEqual([source?.source, source?.kind, source?.seen_at], [SOURCE, 'asterisk', TIME]);
    const [endpoint] = source?.endpoints ?? [];
    assert.deepEqual(
      [endpoint?.endpoint, endpoint?.gaps_not_in_log, endpoint?.last_gap],
      ['fs1', 1, { reason: 'overflow', from: TIME, to: TIME, legs_ended: 2, legs_begun: 1 }],
    );
    assert.deepEqual(
      endpoint?.replicas
        .map(({ replica, state, reason, leading, heard_from }) => [replica, state, reason, leading, heard_from])
        .toSorted(),
      [
        ['a', 'Live', '', true, TIME],
        ['b', 'Waiting', 'Credentials', false, null],
      ],
    );
    const { code, output } = await typeCommand(one, 'sources');
    assert.equal(code, 0);
    assert.match(output, /\nvoice\/pbx +asterisk +fs1 +a +Live +\S+ +- +true +2025-/);
  });

  test('health names every replica, and what is ready', LIMIT, async () => {
    const look = await until(
      'two replicas',
      async () => healthAnswerSchema.parse((await one.administer('/health')).body),
      { holds: ({ findings }) => findings.filter(({ check }) => check === 'replica').length === 2 },
    );
    assert.equal(look.status, 'ok');
    assert.ok(look.findings.some(({ check, seen }) => check === 'ready.log' && seen === 'reached'));
    const { code, output } = await typeCommand(other, 'health');
    assert.equal(code, 0);
    assert.match(output, /^ok +ready\.revocations +known\n[^]*\n\d+ ok, 0 warn, 0 fail\n$/);
    assert.deepEqual(Object.keys(JSON.parse((await typeCommand(other, 'health', '--json')).output) as object), [
      'status',
      'findings',
    ]);
  });

  test('the directory is printed a line a user, and one choice is made at a time', LIMIT, async () => {
    const { code, output } = await typeCommand(one, 'directory', 'list', '--domain', 'admin');
    assert.equal(code, 0);
    assert.match(
      output,
      /^account +name +realm [^]*\n91eb05e5c68d7ca05e7618b6821d2d16 +admin +admin\.sip\.example\.com +- +enabled +admin +enabled +-\n$/,
    );
    const all = JSON.parse((await typeCommand(one, 'directory', 'list', '--json')).output) as { accounts: unknown[] };
    assert.equal(all.accounts.length, 5);
    assert.equal((await typeCommand(one, 'directory', 'list', '--domain', 'a', '--account', 'b')).code, 2);
    assert.equal((await typeCommand(one, 'directory', 'list', '--domain', 'nobody')).code, 1);
  });

  test('without Redis the sources are 503, and the rest is answered', LIMIT, async () => {
    await using cut = await startRedis();
    await using gateway = await startGateway({ redisUrl: cut.url });
    await ask(cut.port, ['shutdown', 'nosave']).catch(() => undefined);
    await until('the sources are refused', async () => (await gateway.administer('/sources')).status === 503);
    const { body } = await gateway.administer('/sources');
    assert.equal(body['code'], 'sources_unavailable');
    assert.equal((await gateway.administer('/directory')).status, 200);
    const look = await until(
      'the log is out of reach',
      async () => healthAnswerSchema.parse((await gateway.administer('/health')).body),
      { holds: ({ status }) => status === 'fail' },
    );
    assert.ok(
      look.findings.some(({ check, status, fix }) => check === 'ready.log' && status === 'fail' && fix !== null),
    );
  });

  test(
    'each answer needs the token of administrators, takes nothing but GET, and is in the served document',
    LIMIT,
    async () => {
      const document = (await one.administer('/openapi.json')).body as {
        paths: Record<string, Record<string, object>>;
      };
      const { valid, errors } = await new Validator().validate(document);
      assert.ok(valid, JSON.stringify(errors));
      for (const path of ['directory', 'sources', 'health', 'openapi.json']) {
        const url = `http://127.0.0.1:${one.gateway.innerPort}${ADMINISTRATION_PATH}/${path}`;
        assert.equal((await fetch(url)).status, 401, path);
        assert.equal((await one.administer(`/${path}`, {})).status, 405, path);
      }
      for (const [path, methods] of Object.entries(document.paths)) {
        const filled = path.replace('{group}', 'default').replace('{id}', '0:1-1').slice(ADMINISTRATION_PATH.length);
        for (const method of Object.keys(methods)) {
          const { status } = await one.administer(filled, method === 'post' ? {} : undefined);
          assert.notEqual(status, 405, `${method} ${path}`);
        }
      }
    },
  );
});
