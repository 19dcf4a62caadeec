import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { NAMES } from './runner/command.ts';
import { k6, WITH_K6 } from './testing/stage.ts';

interface Inspected {
  readonly scenarios: Record<string, object>;
  readonly thresholds: Record<string, (string | { readonly threshold: string })[]> | null;
}

for (const name of NAMES) {
  test(`${name} can be read without any parameter, and is decided by what has to come above zero`, WITH_K6, () => {
    const script = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
    const { status, stdout, stderr } = spawnSync(k6.ok ? k6.command : '', ['inspect', script], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const { scenarios, thresholds } = JSON.parse(stdout) as Inspected;
    assert.ok(Object.keys(scenarios).length > 0);
    const conditions = (metric: string) =>
      (thresholds?.[metric] ?? []).map((one) => (typeof one === 'string' ? one : one.threshold));
    assert.match(conditions('firehose_received').join(), /^count(>0|>=\d+)$/);
    for (const metric of ['lost', 'doubled', 'inverted', 'foreign', 'gaps']) {
      assert.deepEqual(conditions(`firehose_${metric}`), ['count==0']);
    }
  });
}

test('a wrong parameter is said at once, whichever and however many', WITH_K6, () => {
  const script = fileURLToPath(new URL('load.ts', import.meta.url));
  const wrong = ['-e', 'CONNECTIONS=many', '-e', 'DURATION=5'];
  const { status, stderr } = spawnSync(k6.ok ? k6.command : '', ['run', ...wrong, script], { encoding: 'utf8' });
  assert.notEqual(status, 0);
  assert.match(stderr, /wrong parameters: CONNECTIONS: a whole number; DURATION: a duration as 1m30s/);
});
