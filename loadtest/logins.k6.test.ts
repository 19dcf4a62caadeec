import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MIX } from './client/mix.ts';
import type { Answer } from './testing/meddling-proxy.ts';
import { startStage, SUITE_WITH_K6, WITH_K6, type Stage } from './testing/stage.ts';

const SHORT = {
  CONNECTIONS: '4',
  RATE: '20',
  CALLS: '8',
  RAMP: '1s',
  DURATION: '3s',
  LOGIN_RATE: '3',
  LOGIN_P99: '30s',
  P99_MOVE: '30s',
};

describe('the login test', SUITE_WITH_K6, () => {
  let stage: Stage;
  before(async () => {
    stage = await startStage();
  });
  after(() => stage[Symbol.asyncDispose]());

  test('passes: ten wrong tries are a 401, the next a 429, and right logins go on', WITH_K6, async () => {
    const { code, output, valueOf } = await stage.run('logins', SHORT);
    assert.equal(code, 0, output);
    assert.equal(valueOf('firehose_wrong_logins_refused'), 12);
    assert.ok(valueOf('firehose_login{scenario:rush}') >= 5);
  });

  test('fails with 99 where a 429 does not say when to come back', WITH_K6, async () => {
    const meddling = {
      login: (answer: Answer): Answer => {
        const { 'retry-after': _, ...headers } = answer.headers;
        return { ...answer, headers };
      },
    };
    const { code, output, broken } = await stage.run('logins', SHORT, { meddling });
    assert.equal(code, 99, output);
    assert.ok(broken.includes('firehose_wrong_logins_refused count==12'), broken.join());
  });

  test('fails with 99 where a right login is refused', WITH_K6, async () => {
    let count = 0;
    const denied = { status: 500, headers: {}, body: '{"code":"internal"}' };
    const meddling = {
      login: (answer: Answer): Answer => (answer.status === 200 && ++count > 6 ? denied : answer),
    };
    const { code, output, broken } = await stage.run('logins', SHORT, { meddling });
    assert.equal(code, 99, output);
    assert.ok(broken.includes('firehose_logins_odd count==0'), broken.join());
  });

  test('fails with 99 where every right login of the rush is put off', WITH_K6, async () => {
    let count = 0;
    const putOff = { status: 503, headers: { 'retry-after': '1' }, body: '{"code":"busy"}' };
    const meddling = {
      // The consumers' own logins come first, one for each share of the mix.
      login: (answer: Answer): Answer => (answer.status === 200 && ++count > MIX.length ? putOff : answer),
    };
    const { code, output, broken } = await stage.run('logins', SHORT, { meddling });
    assert.equal(code, 99, output);
    assert.ok(broken.includes('firehose_logins_taken count>0'), broken.join());
  });
});
