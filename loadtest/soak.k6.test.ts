import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { startStage, SUITE_WITH_K6, WITH_K6, type Stage } from './testing/stage.ts';

const SHORT = {
  CONNECTIONS: '4',
  RATE: '20',
  CALLS: '8',
  RAMP: '1s',
  DURATION: '6s',
  WARM_UP: '1s',
  SAMPLE: '500ms',
  P99: '30s',
  GROWTH_PERCENT: '100',
};

describe('the soak test', SUITE_WITH_K6, () => {
  let stage: Stage;
  before(async () => {
    stage = await startStage();
  });
  after(() => stage[Symbol.asyncDispose]());

  test('passes where memory and descriptors stay, and tells their slopes', WITH_K6, async () => {
    const { code, output } = await stage.run('soak', SHORT);
    assert.equal(code, 0, output);
    assert.match(output, /memory of http\S+: \d+\.\d MiB on average, -?\d+\.\d\d MiB an hour over \d s/);
    assert.match(output, /descriptors of http\S+: \d+\.\d on average/);
  });

  test('fails with 99 where memory grows at one of the replicas', WITH_K6, async () => {
    let looks = 0;
    const leaking = createServer((_, response) => {
      looks += 1;
      response.end(
        `firehose_process_resident_memory_bytes ${looks * 1e7}\nfirehose_process_open_descriptors{host="a"} 30\n`,
      );
    }).listen(0, '127.0.0.1');
    await once(leaking, 'listening');
    const url = `http://127.0.0.1:${(leaking.address() as AddressInfo).port}/metrics`;
    const parameters = { ...SHORT, FIREHOSE_METRICS_URLS: `${stage.innerUrl}/metrics,${url}` };
    const { code, output, broken } = await stage.run('soak', parameters);
    leaking.close();
    assert.equal(code, 99, output);
    assert.deepEqual(broken, ['firehose_memory_growth_percent value<100']);
  });

  test('fails with 99 where there is nothing to judge by', WITH_K6, async () => {
    const parameters = {
      ...SHORT,
      DURATION: '2s',
      SAMPLE: '250ms',
      FIREHOSE_METRICS_URLS: 'http://127.0.0.1:1/metrics',
    };
    const { code, output, broken } = await stage.run('soak', parameters);
    assert.equal(code, 99, output);
    assert.ok(broken.includes('checks rate==1'), broken.join());
  });
});
