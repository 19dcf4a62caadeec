import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decodeJwt } from 'jose';
import { startGateway, type RunningGateway } from '../gateway/testing/running-gateway.ts';

const COMMAND = fileURLToPath(new URL('firehose.ts', import.meta.url));
const COLUMNS = ['session', 'account', 'username', 'since', 'address', 'contract', 'behind'];
const ROOT = '91eb05e5c68d7ca05e7618b6821d2d16';

/** The commands as a person types them, against a running gateway. */
describe('firehose revoke and firehose connections', { timeout: 120_000 }, () => {
  let running: RunningGateway;
  let folder: string;
  before(async () => {
    running = await startGateway({});
    folder = await mkdtemp(join(tmpdir(), 'firehose-commands-'));
  });
  after(async () => {
    await running[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  async function type(args: readonly string[], more: { input?: string; environment?: Record<string, string> } = {}) {
    const environment = {
      PATH: process.env['PATH'],
      FIREHOSE_STATE: running.stateFolder,
      FIREHOSE_INNER_PORT: String(running.gateway.innerPort),
      ...more.environment,
    };
    const child = spawn(process.execPath, [COMMAND, ...args], { env: environment, cwd: folder });
    let [output, errors] = ['', ''];
    child.stdout.on('data', (chunk) => (output += String(chunk)));
    child.stderr.on('data', (chunk) => (errors += String(chunk)));
    child.stdin.end(more.input ?? '');
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output, errors };
  }

  test('a user, an account, a token by id and one by the standard input: each says what happened', async () => {
    const revoked = 'in force until \\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z\\n$';
    const jti = String(decodeJwt(await running.token()).jti);
    const client = await running.connect(`?token=${await running.token()}`);
    const token = await running.token();
    const cases: [string[], string, RegExp][] = [
      [
        ['--user', 'Admin', '--domain', 'ADMIN'],
        '',
        new RegExp(`^revoked user admin of account ${ROOT}: 1 connection closed here.*${revoked}`),
      ],
      [
        ['--user', 'operator', '--account', 'account_id_1'],
        '',
        /^revoked user operator of account account_id_1: 0 connections/,
      ],
      [['--account', 'account_id_2'], '', /^revoked account account_id_2 and all below it: 0 connections closed here/],
      [['--jti', jti], '', new RegExp(`^revoked token ${jti}: 0 connections`)],
      [['--token-stdin'], `${token}\n`, new RegExp(`^revoked token ${String(decodeJwt(token).jti)}: 0 connections`)],
    ];
    for (const [flags, input, expected] of cases) {
      const { code, output, errors } = await type(['revoke', ...flags], { input });
      assert.deepEqual([code, errors], [0, ''], flags.join(' '));
      assert.match(output, expected);
      assert.ok(!output.includes(token));
    }
    assert.equal((await client.closed).code, 4503);
  });

  test('what the gateway refuses is said with its code, and nothing of a token is', async () => {
    const canary = `eyJcanary.${'x'.repeat(50)}.y`;
    const refusals: [string[], string, RegExp][] = [
      [['--user', 'nobody', '--domain', 'admin'], '', /^error: 404 not_in_directory: user\.username: /],
      [['--account', 'nowhere'], '', /^error: 404 not_in_directory: account: /],
      [['--jti', '../x'], '', /^error: 400 invalid_request: /],
      [['--token-stdin'], canary, /^error: 400 token_not_valid: /],
    ];
    for (const [flags, input, expected] of refusals) {
      const { code, output, errors } = await type(['revoke', ...flags], { input });
      assert.deepEqual([code, output], [1, ''], flags.join(' '));
      assert.match(errors, expected);
      assert.ok(!errors.includes('canary'));
    }
  });

  test('a wrong use is exit code 2 and says the right one', async () => {
    const wrong = [
      [],
      ['--user', 'admin'],
      ['--domain', 'admin'],
      ['--user', 'a', '--domain', 'b', '--account', 'c'],
      ['--jti', 'a', '--account', 'b'],
      ['--token-stdin', '--jti', 'a'],
      ['--nonsense'],
      ['--token', 'eyJ'],
      ['--jti', 'a', '--inner-port', 'x'],
      ['--jti', 'a', '--inner-port', '70000'],
    ];
    for (const flags of wrong) {
      const { code, output, errors } = await type(['revoke', ...flags]);
      assert.deepEqual([code, output], [2, ''], flags.join(' '));
      assert.notEqual(errors, '');
    }
    assert.equal((await type(['revoke', '--token-stdin'], { input: '\n' })).code, 2);
    for (const use of [['nonsense'], ['gateway', '--nonsense'], ['operator', 'nonsense']]) {
      assert.equal((await type(use)).code, 2, use.join(' '));
    }
  });

  test('a port behind the address is told from the address, also where brackets are missing', async () => {
    for (const FIREHOSE_INNER_HOST of ['localhost:9090', '[::1]:9090']) {
      const { code, errors } = await type(['connections'], { environment: { FIREHOSE_INNER_HOST } });
      assert.equal(code, 2);
      assert.match(errors, /FIREHOSE_INNER_HOST: an address without a port, IPv6 without brackets/);
    }
    // Recognises an IPv6 address by its form.
    const { code, errors } = await type(['connections'], { environment: { FIREHOSE_INNER_HOST: '100::1:9090' } });
    assert.equal(code, 3);
    assert.match(errors, /If 9090 is the port: give it by --inner-port\.$/m);
  });

  test('the admin token comes from the state folder or from a file, and none is exit code 2', async () => {
    const file = join(folder, 'token');
    await writeFile(file, await readFile(join(running.stateFolder, 'admin-token')));
    const FIREHOSE_STATE = join(folder, 'nothing');
    const none = await type(['connections'], { environment: { FIREHOSE_STATE } });
    assert.equal(none.code, 2);
    assert.match(none.errors, /admin-token: the admin token cannot be read \(ENOENT\)/);
    const given = { FIREHOSE_STATE, FIREHOSE_ADMIN_TOKEN_FILE: file };
    assert.equal((await type(['connections'], { environment: given })).code, 0);
    assert.equal((await type(['connections', '--state', FIREHOSE_STATE, '--admin-token-file', file])).code, 0);
    await writeFile(file, 'canary\r\nX: y');
    const broken = await type(['connections', '--admin-token-file', file]);
    assert.deepEqual([broken.code, broken.errors.includes('canary')], [2, false]);
    await writeFile(file, 'canary');
    await chmod(file, 0o600);
    const wrong = await type(['connections', '--admin-token-file', file]);
    assert.equal(wrong.code, 1);
    assert.match(wrong.errors, /^error: 401 unauthorized: /);
    assert.ok(!wrong.errors.includes('canary'));
  });

  test('no gateway, or something else, at the other end is said', async () => {
    const { code, errors } = await type(['connections', '--inner-port', '1']);
    assert.deepEqual([code, /127\.0\.0\.1:1 \(\w+\): is this/.test(errors)], [3, true], errors);
    const other = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}');
    }).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const stranger = await type(['connections', '--inner-port', String(port)]);
    assert.deepEqual([stranger.code, stranger.output], [1, '']);
    assert.match(stranger.errors, /does not answer as a gateway does/);
    other.close();
  });

  test('connections are aligned lines under a heading, or one JSON document, over all pages', async () => {
    const token = await running.token();
    const clients = [];
    for (let n = 0; n < 3; n += 1) clients.push(await running.connect(`?token=${token}`));
    const { code, output } = await type(['connections']);
    assert.equal(code, 0);
    const [heading, ...lines] = output.trimEnd().split('\n');
    assert.deepEqual(heading?.split(/ +/), COLUMNS);
    assert.equal(lines.length, 3);
    for (const line of lines)
      assert.match(line, new RegExp(`^[0-9a-f-]{36} {2}${ROOT} {2}admin {5}[0-9TZ:.-]+ +127.0.0.1 {2}plain {5}false$`));
    assert.ok(!output.includes(token));
    const json = JSON.parse((await type(['connections', '--json'])).output) as { connections: object[] };
    assert.deepEqual(
      json.connections.map((one) => Object.keys(one)),
      [COLUMNS, COLUMNS, COLUMNS],
    );
    for (const client of clients) client.close();
  });

  test('each command has its help', async () => {
    for (const command of ['revoke', 'connections']) {
      const { code, output } = await type([command, '--help']);
      assert.equal(code, 0);
      assert.match(output, /--inner-port[^]*Exit codes:\n {2}0 {2}done/);
    }
  });
});
