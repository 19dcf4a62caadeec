import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { Redis } from 'ioredis';
import { groupName } from '../protocol/keys.ts';
import type { Operator } from './build.ts';
import { LEASE_TIMINGS } from './kubernetes/leader-election.ts';
import { deploymentPath, startPlatform, VOICE, type Platform } from './testing/platform.ts';
import { MINIMAL_SPEC } from './testing/resources.ts';
import { runOperator } from './testing/run-operator.ts';
import { until } from '../testing/until.ts';

/**
 * Simulates an outage of a minute of the API server, five times as fast: outage, lease, deadline and renewal are
 * shortened alike, so that the lease expires at the same share of the outage. FIREHOSE_OUTAGE_SCALE=1 runs it with the
 * operator's real timings.
 */
const SCALE = Number(process.env['FIREHOSE_OUTAGE_SCALE'] ?? '5');
const OUTAGE_MS = 60_000 / SCALE;
const LEASE = Object.fromEntries(Object.entries(LEASE_TIMINGS).map(([name, ms]) => [name, ms / SCALE]));
const LONG = { timeout: 300_000 };
const EVENTS = 'firehose:{0}:events';

describe('an API server away for a minute', () => {
  let platform: Platform;
  let redis: Redis;
  let kept: KeptOperator;
  before(async () => {
    platform = await startPlatform();
    await platform.secrets(VOICE);
    redis = new Redis(platform.redis.url);
    kept = await keepOperator(platform);
  });
  after(async () => {
    redis.disconnect();
    await kept[Symbol.asyncDispose]();
    await platform[Symbol.asyncDispose]();
  });
  const groups = async () => JSON.stringify(await redis.xinfo('GROUPS', EVENTS));
  const isReady = async () => (await platform.condition('acme', 'Ready'))?.status === 'True';

  test('ends the leader, writes nothing meanwhile, and is made up for without touching a pod', LONG, async () => {
    await platform.create('acme');
    await until('Ready', async () => {
      await platform.markReady('acme');
      return isReady();
    });
    await until('a leader', async () => kept.isLeader);
    const before = await platform.get(deploymentPath('acme'));

    await platform.plane.apiServer.kill();
    const outage = delay(OUTAGE_MS);
    await until('nobody leads', async () => !kept.isLeader);
    await until('the leader has ended', async () => kept.ends.length > 0);
    // The process that lost the lease has ended; the others wait, and do not end while the API server is away.
    assert.deepEqual(new Set(kept.ends), new Set(['leadership_lost']));
    await redis.xgroup('DESTROY', EVENTS, groupName(`${VOICE}/acme`, 'default', MINIMAL_SPEC.account.id));
    // Longer than any retry and any read of an operator that assumes it leads.
    await Promise.all([outage, delay(5_000)]);
    assert.doesNotMatch(await groups(), /acme\/default/);

    await platform.plane.apiServer.restart();
    await platform.patch('acme', { spec: { filters: { events: ['CHANNEL_ANSWER'] } } });
    await until('the group again', async () => (await groups()).includes('acme/default'));
    await until('caught up', async () => {
      const { observedGeneration } = await platform.status('acme');
      return observedGeneration === (await platform.fhs('acme'))?.metadata.generation && isReady();
    });
    const config = await platform.get(`/api/v1/namespaces/${VOICE}/configmaps/acme-config`);
    assert.match(JSON.stringify(config?.['data']), /CHANNEL_ANSWER/);
    const now = await platform.get(deploymentPath('acme'));
    const { uid, generation } = before?.metadata ?? {};
    assert.deepEqual([now?.metadata.uid, now?.metadata.generation], [uid, generation]);
  });
});

interface KeptOperator extends AsyncDisposable {
  readonly isLeader: boolean;
  /** The exit codes of operators, in order. */
  readonly ends: readonly unknown[];
}

/** An operator that is restarted when it ends, as a kubelet would do. */
async function keepOperator(platform: Platform): Promise<KeptOperator> {
  const ends: unknown[] = [];
  let isOver = false;
  let current: Operator | null = null;
  const start = async () => {
    const operator = await runOperator(platform, { timings: { lease: LEASE } });
    current = operator;
    operator.ended.catch(async (error: { code?: unknown }) => {
      ends.push(error.code);
      await operator[Symbol.asyncDispose]();
      if (!isOver) await start();
    });
  };
  await start();
  return {
    ends,
    get isLeader() {
      return current?.isLeader === true;
    },
    async [Symbol.asyncDispose]() {
      isOver = true;
      await current?.[Symbol.asyncDispose]();
    },
  };
}
