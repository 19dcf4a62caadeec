import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { buildSource } from '../../source/build-source.ts';
import { sourceKeys } from '../../protocol/keys.ts';
import { encodeSourceGap, type SourceGap } from '../../protocol/source-gap.ts';
import { sourceSpecSchema } from '../../protocol/source.ts';
import { encodeSourceReport, reportField, type SourceReport } from '../../protocol/source-report.ts';
import { connectionOf } from '../../runtime/redis/connection.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { ask } from '../../testing/redis-process.ts';
import { freePort } from '../../testing/free-port.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { diagnose } from './doctor.ts';
import { settings } from './testing.ts';

const LIMIT = { timeout: 60_000 };
const KEYS = sourceKeys('firehose:', 'voice/pbx');

describe('sources as they report in Redis', () => {
  let redis: RedisServer;
  before(async () => {
    redis = await startRedis();
  });
  after(() => redis.stop());
  beforeEach(() => ask(redis.port, ['flushall']));

  const tell = (...command: (string | number)[]) => ask(redis.port, command);

  /** `status check: seen` of each finding about sources. */
  async function look(origin: string | null = null, url = redis.url): Promise<string[]> {
    await using given = await settings({}, { REDIS_URL: url });
    const findings = await diagnose(given.environment, Date.now, { names: ['voice/pbx'], origin });
    return findings
      .filter(({ check }) => check.startsWith('source'))
      .map(({ status, check, seen }) => `${status} ${check}: ${seen}`);
  }

  async function report(replica: string, more: Partial<SourceReport> = {}): Promise<void> {
    const now = Date.now();
    const live = {
      state: 'Live',
      since: now,
      reason: '',
      instance: '',
      heard: null,
      leading: false,
      bound: null,
    } as const;
    await tell('hset', KEYS.reports, reportField(replica, 'fs1'), encodeSourceReport({ ...live, at: now, ...more }));
  }

  it('are read by name: their switches, who publishes, and their gaps', LIMIT, async () => {
    await report('a', { leading: true });
    await report('b', { state: 'Waiting', reason: 'Credentials' });
    await tell('hset', KEYS.reports, 'b/fs1/x', 'not a report', 'c/fs1', '{}');
    const now = Date.now();
    const gap: SourceGap = {
      source: 'voice/pbx',
      endpoint: 'fs1',
      reason: 'overflow',
      from: now - 70_000,
      to: now - 10_000,
      legs_ended: 0,
      legs_begun: 0,
    };
    await tell(
      'hset',
      KEYS.gaps,
      'fs1',
      encodeSourceGap(gap),
      `fs1/${gap.to}`,
      encodeSourceGap({ ...gap, from: gap.to }),
    );
    const found = await look();
    assert.deepEqual(
      found.map((line) => line.replaceAll(/\d{4}-[\d-]+T[\d:.]+Z/g, 'TIME')),
      [
        'ok source: 2 replicas report on 1 switches',
        'warn source.switch: 1 of 2 replicas listen; not b: Credentials',
        'warn source.gap: in the last hour nobody listened for 60 s, until TIME (overflow); 0 legs ended',
        'warn source.gap: a gap since TIME (overflow) is not in the log yet',
      ],
    );
  });

  it('that never ran are said to be away, and what cannot be read is said', LIMIT, async () => {
    assert.deepEqual(await look(), ['fail source: no replica reports here']);
    await tell('set', KEYS.reports, 'x');
    assert.deepEqual(await look(), ['fail source: cannot be read (WRONGTYPE)']);
  });

  it('are asked at their inner listener too, which may be away', LIMIT, async () => {
    const away = await look(`http://127.0.0.1:${await freePort()}`);
    assert.ok(away.includes('warn source.inner: nothing listens there'), away.join('\n'));
    const source = await buildSource(
      {
        name: 'voice/pbx',
        spec: sourceSpecSchema.parse({
          simulator: { callsPerSecond: 1, accounts: [{ id: 'a', name: 'a', realm: 'a.example.com' }] },
        }),
        endpoints: [],
        rules: [],
        places: { file: 'source.yaml', bareName: 'voice/pbx', secretsFolder: null, directoryFile: null },
        redis: connectionOf(redis.url),
        tlsFolder: null,
        addressPolicy: null,
        host: '127.0.0.1',
        port: 0,
      },
      silentLogger,
    );
    await using _ = source;
    const found = await look(`http://127.0.0.1:${source.port}`);
    assert.match(found.join('\n'), /^(ok|fail) source.inner: /m);
    assert.match(found.join('\n'), /^ok source.accounts: 0 of \d+ events had no account$/m);
  });
});
