import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parametersOf } from '../settings/parameters.ts';
import { readDuration, readSettings } from '../settings/settings.ts';
import { flagOf, NAMES, readCommand } from './command.ts';
import { findK6 } from '../../runtime/testing/find-k6.ts';

const RUN = fileURLToPath(new URL('run.ts', import.meta.url));

describe('npm run loadtest', () => {
  test('flags are the parameters of the script, what follows -- is for k6', () => {
    const command = readCommand([
      'load',
      '--url',
      'https://a:1',
      '--p99',
      '2s',
      '--state',
      's',
      '--',
      '--out',
      'json=x',
    ]);
    assert.ok(command.kind === 'run');
    assert.deepEqual(
      [...command.given],
      [
        ['FIREHOSE_URL', 'https://a:1'],
        ['P99', '2s'],
      ],
    );
    assert.deepEqual([command.script, command.state, command.rest], ['load', 's', ['--out', 'json=x']]);
  });

  test('a flag or a script that is not there is named', () => {
    for (const [args, says] of [
      [['smoke', '--conections', '3'], '--conections'],
      [['smoke', '--connections', '3'], '--connections'],
      [['smoky'], "no load test 'smoky': smoke, load"],
    ] as const) {
      const command = readCommand(args);
      assert.ok(command.kind === 'fault' && command.text.includes(says), JSON.stringify(command));
    }
  });

  test('help tells every parameter of every script, and no password', () => {
    for (const name of NAMES) {
      const help = readCommand([name, '--help']);
      assert.ok(help.kind === 'help');
      for (const parameter of parametersOf(name).keys()) assert.ok(help.text.includes(`--${flagOf(parameter)} `));
      assert.ok(!help.text.includes('adminpassword'));
    }
  });

  test('without k6 it says in one line how to get it', () => {
    const { status, stderr } = spawnSync(process.execPath, [RUN, 'smoke'], { env: { PATH: '' }, encoding: 'utf8' });
    assert.equal(status, 2);
    assert.match(stderr, /^there is no k6 on the PATH: install k6 .*, or set K6 to its command\n$/);
    const named = findK6({ PATH: process.env['PATH'], K6: 'no-such-k6' });
    assert.ok(!named.ok && named.why === "K6=no-such-k6 does not answer to 'no-such-k6 version'");
  });
});

describe('parameters', () => {
  test('each script has its defaults, and what is given wins over them', () => {
    assert.equal(readSettings('load', {}).DURATION, 60_000);
    assert.equal(readSettings('soak', {}).DURATION, 14_400_000);
    const given = readSettings('load', { CONNECTIONS: '7', ACCOUNTS: 'a, b', FIREHOSE_URL: '' });
    assert.deepEqual(
      [given.CONNECTIONS, given.ACCOUNTS, given.FIREHOSE_URL],
      [7, ['a', 'b'], 'https://localhost:9443'],
    );
  });

  test('all faults are said at once', () => {
    assert.throws(() => readSettings('load', { CONNECTIONS: '-1', DURATION: '5 min', RATE: '1e3' }), {
      message: 'wrong parameters: CONNECTIONS: a whole number; RATE: a whole number; DURATION: a duration as 1m30s',
    });
  });

  test('what makes no test together is refused before anything runs', () => {
    const wrong = (script: 'load' | 'soak' | 'breakpoint', given: Record<string, string>, message: string) =>
      assert.throws(() => readSettings(script, given), { message: `wrong parameters: ${message}` });
    wrong('load', { CONNECTIONS: '0', CALLS: '0' }, 'CONNECTIONS: at least 1; CALLS: at least 1');
    assert.equal(readSettings('load', { RATE: '0' }).RATE, 0);
    wrong('soak', { DURATION: '20m' }, 'WARM_UP: shorter than RAMP and DURATION together, or nothing is measured');
    wrong('breakpoint', { RATE: '0', STEP_PERCENT: '0' }, 'STEP_PERCENT: at least 1; RATE: at least 1, to rise from');
    wrong('breakpoint', { RATE: '10', MOST_RATE: '5' }, 'MOST_RATE: at least RATE');
  });

  test('a duration is a sum of its terms', () => {
    assert.deepEqual(['1h30m', '10s', '250ms', '1m5s', '', '5', '5d'].map(readDuration), [
      5_400_000,
      10_000,
      250,
      65_000,
      null,
      null,
      null,
    ]);
  });
});
