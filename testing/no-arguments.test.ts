import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

for (const name of ['control-plane', 'cluster']) {
  const program = fileURLToPath(new URL(`${name}/keep.ts`, import.meta.url));
  const ask = (...args: string[]) =>
    spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', timeout: 60_000, env: { PATH: '' } });

  test(`npm run ${name} -- --help says how it is used, and starts none`, () => {
    for (const flag of ['--help', '-h']) {
      const { status, stdout, stderr } = ask(flag);
      assert.deepEqual([status, stderr], [0, '']);
      assert.match(stdout, new RegExp(`^npm run ${name}: .* until Ctrl-C`));
    }
  });

  test(`npm run ${name} refuses an argument that it does not know, and starts none`, () => {
    for (const argument of ['--port', 'start']) {
      const { status, stdout, stderr } = ask(argument);
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, new RegExp(`'${argument}'[^]*npm run ${name}: `));
    }
  });
}

/** Programs with arguments of their own: npm script, file, and a wrong use. */
const PROGRAMS = [
  ['bench', 'loadtest/benchmark/run.ts', ['--nope']],
  ['faults', 'loadtest/faults/run.ts', ['--nope']],
  ['operator:thousand', 'operator/testing/thousand.ts', ['--nope']],
  ['loadtest', 'loadtest/runner/run.ts', ['--nope']],
  ['test', 'testing/run.ts', ['--nope']],
] as const;

for (const [name, path, wrong] of PROGRAMS) {
  const program = fileURLToPath(new URL(`../${path}`, import.meta.url));
  const ask = (...args: readonly string[]) =>
    spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', timeout: 60_000, env: { PATH: '' } });

  test(`npm run ${name} -- --help says how it is used, and runs nothing`, () => {
    for (const flag of ['--help', '-h']) {
      const { status, stdout, stderr } = ask(flag);
      assert.deepEqual([status, stderr], [0, '']);
      assert.match(stdout, new RegExp(`^npm run ${name} `));
    }
  });

  test(`npm run ${name} refuses what it does not know with code 2`, () => {
    const { status, stdout, stderr } = ask(...wrong);
    assert.deepEqual([status, stdout], [2, '']);
    assert.notEqual(stderr, '');
  });
}
