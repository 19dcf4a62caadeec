import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parametersOf } from '../settings/parameters.ts';
import { readDuration, readSettings } from '../settings/settings.ts';
import { urlsOf } from './local-gateway.ts';
import { flagOf, NAMES, readCommand } from './command.ts';
import { whyUnreachable } from './reachable.ts';
import { findK6 } from '../../testing/find-k6.ts';
import { freePort } from '../../testing/free-port.ts';

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

  test('when nothing answers, the first line says where, and k6 is not started', async () => {
    const port = await freePort();
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    assert.equal(await whyUnreachable(`http://127.0.0.1:${port}`), null);
    server.close();
    await once(server, 'close');
    const url = `https://127.0.0.1:${port}`;
    assert.match((await whyUnreachable(url)) ?? '', /^Nothing answers at https:\/\/127\.0\.0\.1:\d+: ECONNREFUSED\. /);
    if (!findK6(process.env).ok) return;
    const { status, stderr, stdout } = spawnSync(process.execPath, [RUN, 'smoke', '--url', url], { encoding: 'utf8' });
    assert.equal(status, 2);
    assert.match(stderr, /^Nothing answers at .*--url URL\)\n$/);
    assert.equal(stdout, '');
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

describe('a load test that cannot be', () => {
  const launch = (args: readonly string[], env: Record<string, string> = {}) =>
    spawnSync(process.execPath, [RUN, ...args], { env: { PATH: '', ...env }, encoding: 'utf8' });

  test('is refused in one line before k6 is even looked for', () => {
    const { status, stderr, stdout } = launch(['soak', '--warm-up', '5h'], { CONNECTIONS: '0' });
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, /^wrong parameters: CONNECTIONS: at least 1; WARM_UP: shorter .*\(npm run .*--help\)\n$/);
  });

  test('is refused by what a flag says, not by what the environment said before', () => {
    const { stderr } = launch(['smoke', '--drain', '1s'], { DRAIN: 'long' });
    assert.match(stderr, /^there is no k6/);
  });
});

describe('the gateway of npm start', () => {
  test('is looked for where the same settings put it', () => {
    assert.deepEqual(urlsOf({}), {});
    assert.deepEqual(urlsOf({ FIREHOSE_PORT: '8443', FIREHOSE_INNER_PORT: '8090' }), {
      FIREHOSE_URL: 'https://localhost:8443',
      FIREHOSE_INNER_URL: 'http://localhost:8090',
    });
    assert.deepEqual(urlsOf({ FIREHOSE_PORT: '8443', FIREHOSE_URL: 'https://127.0.0.1:1' }), {});
  });

  test('hands its tokens and its authority to k6 from the folder in FIREHOSE_STATE', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'firehose-state-'));
    const [state, asked] = [join(folder, 'state'), join(folder, 'asked')];
    await mkdir(state);
    for (const file of ['ingest-token', 'admin-token', 'ca.crt']) await writeFile(join(state, file), `the ${file}\n`);
    const shown = 'echo "$FIREHOSE_URL, $FIREHOSE_INGEST_TOKEN, $FIREHOSE_ADMIN_TOKEN, $SSL_CERT_FILE"';
    const stub = join(folder, 'k6');
    await writeFile(stub, `#!/bin/sh\n[ "$1" = version ] && echo k6 || { ${shown}; } > "${asked}"\n`, { mode: 0o755 });
    // The kernel accepts connections, whatever the process answers.
    const server = createServer().listen(0, '0.0.0.0');
    await once(server, 'listening');
    const port = String((server.address() as AddressInfo).port);
    const env = { K6: stub, FIREHOSE_STATE: state, FIREHOSE_PORT: port, FIREHOSE_INNER_PORT: port };
    assert.equal(launchSmoke(env).status, 0);
    const told = `https://localhost:${port}, the ingest-token, the admin-token, ${join(state, 'ca.crt')}\n`;
    assert.equal(await readFile(asked, 'utf8'), told);
    const elsewhere = { FIREHOSE_URL: `https://127.0.0.2:${port}`, FIREHOSE_INNER_URL: `http://127.0.0.2:${port}` };
    assert.equal(launchSmoke({ ...env, ...elsewhere }).status, 0);
    assert.equal(await readFile(asked, 'utf8'), `https://127.0.0.2:${port}, , , \n`);
    server.close();
    await rm(folder, { recursive: true });
  });

  const launchSmoke = (env: Record<string, string>) =>
    spawnSync(process.execPath, [RUN, 'smoke'], { env, encoding: 'utf8' });
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
    wrong('soak', { SAMPLE: '0s' }, 'SAMPLE: longer than 0');
    wrong('soak', { DURATION: '31m', SAMPLE: '1m' }, 'SAMPLE: short enough for 5 looks after WARM_UP');
    wrong('breakpoint', { STEP: '0s' }, 'STEP: longer than 0');
    const flat = 'STEP_PERCENT: of RATE at least one event a second, or a step publishes no more than the one before';
    wrong('breakpoint', { RATE: '3', STEP_PERCENT: '10' }, flat);
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
