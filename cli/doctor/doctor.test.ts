import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startDirectoryServer } from '../../gateway/testing/directory-server.ts';
import { startGateway } from '../../gateway/testing/running-gateway.ts';
import { issueCertificate, createAuthority } from '../../runtime/certificates/certificate.ts';
import { newKey } from '../../runtime/signing/new-key.ts';
import { diagnose } from './doctor.ts';
import { ofCheck, settings, troubles, type Settings } from './testing.ts';

const COMMAND = fileURLToPath(new URL('../firehose.ts', import.meta.url));
const LIMIT = { timeout: 60_000 };
const DAY_MS = 86_400_000;

async function type(given: Settings, ...args: string[]) {
  const env = { PATH: process.env['PATH'], ...given.environment };
  const child = spawn(process.execPath, [COMMAND, 'doctor', ...args], { env });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (errors += String(chunk)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output, errors };
}

async function look(given: Settings, check: string, more: { environment?: object; now?: () => number } = {}) {
  const findings = await diagnose({ ...given.environment, ...more.environment }, more.now);
  assert.doesNotMatch(JSON.stringify(findings), /canary/);
  return ofCheck(findings, check).map(({ status, seen }) => `${status}: ${seen}`);
}

describe('firehose doctor', () => {
  it('ends with 0 when nothing fails, 1 when something does, 2 when it is used wrongly', LIMIT, async () => {
    await using given = await settings();
    const fine = await type(given);
    assert.deepEqual([fine.code, fine.errors], [0, '']);
    assert.match(fine.output, /^ok {4}configuration .*\n[^]*\n\d+ ok, 2 warn, 0 fail\n$/);
    const urlFile = join(given.folder, 'redis-url');
    await writeFile(urlFile, 'redis://:canary@127.0.0.1:1\n');
    const failing = await type(given, '--redis-url-file', urlFile, '--json');
    assert.deepEqual([failing.code, failing.errors, failing.output.includes('canary')], [1, '', false]);
    const { status, findings } = JSON.parse(failing.output) as { status: string; findings: Record<string, unknown>[] };
    assert.equal(status, 'fail');
    const redis = findings.find(({ check }) => check === 'redis.server');
    assert.deepEqual(Object.keys(redis ?? {}), ['check', 'subject', 'status', 'seen', 'fix']);
    for (const wrong of [['--nonsense'], ['--redis-url-file'], ['--redis-url', 'redis://h'], ['extra']]) {
      const { code, output } = await type(given, ...wrong);
      assert.deepEqual([code, output], [2, ''], wrong.join(' '));
    }
    const help = await type(given, '--help');
    assert.equal(help.code, 0);
    assert.match(help.output, /--json[^]*Exit codes:\n {2}0 {2}nothing fails/);
  });

  it('tells every fault of settings, subscription and directory at once', LIMIT, async () => {
    await using given = await settings(
      { redis: { mode: 'Sentinel' } },
      { REDIS_URL: 'http://canary', LOG_LEVEL: 'loud' },
    );
    await writeFile(join(given.folder, 'directory.yaml'), 'accounts:\n  - { id: 1 }\nusers: [{ username: x }]\n');
    const findings = await diagnose({ ...given.environment, FIREHOSE_PORT: 'x' });
    const failed = troubles(findings, 'fail');
    for (const word of ['FIREHOSE_PORT', 'LOG_LEVEL', 'REDIS_URL', 'sentinel', 'accounts[0].id', 'users[0]']) {
      assert.ok(
        failed.some((line) => line.includes(word)),
        `${word} in\n${failed.join('\n')}`,
      );
    }
    assert.ok(findings.every(({ status, fix }) => (fix === null) === (status === 'ok')));
    assert.doesNotMatch(JSON.stringify(findings), /canary/);
  });
});

describe('the directory', () => {
  it('lacks what the subscription names, has no user, or is not there', LIMIT, async () => {
    await using given = await settings({ filters: { accounts: ['account_id_1', 'nowhere'] } });
    const file = join(given.folder, 'directory.yaml');
    assert.deepEqual(await look(given, 'directory'), ['warn: does not hold nowhere of spec.filters.accounts']);
    await writeFile(file, 'accounts:\n  - { id: account_id_1, name: a, realm: a.example.com }\nusers: []\n');
    const [none, served] = await look(given, 'directory');
    assert.equal(none, 'warn: there is no user');
    assert.match(served ?? '', /^fail: does not hold spec.account.id /);
    await writeFile(
      file,
      (await readFile(file, 'utf8')).replaceAll('account_id_1', '"91eb05e5c68d7ca05e7618b6821d2d16", enabled: false'),
    );
    assert.match((await look(given, 'directory'))[1] ?? '', /^warn: spec.account.id .* is disabled$/);
    await rm(file);
    assert.deepEqual(await look(given, 'directory'), ['fail: cannot be read (ENOENT)']);
  });

  it('of a server is asked as a gateway asks it, and its ambiguous names are named', LIMIT, async () => {
    const accounts = ['a', 'b'].map((id) => ({ id, name: 'Sales', realm: `${id}.example.com` }));
    await using server = await startDirectoryServer(JSON.stringify({ accounts, users: [] }));
    await using given = await settings(
      { auth: { directory: { http: { url: server.url } } } },
      { FIREHOSE_DIRECTORY_CA_FILE: server.caFile },
    );
    const found = await look(given, 'directory');
    assert.equal(found[1], 'warn: Sales: the name of several accounts, or the realm of another');
    assert.match(found[2] ?? '', /^fail: does not hold spec.account.id /);
    await server.close();
    assert.deepEqual(await look(given, 'directory'), ['fail: the server cannot be asked (ECONNREFUSED)']);
  });

  it("that is the quickstart's is no directory for a real Redis", LIMIT, async () => {
    await using given = await settings();
    const environment = { FIREHOSE_CONFIG: '', REDIS_URL: 'redis://127.0.0.1:1' };
    const [refused] = await look(given, 'configuration', { environment });
    assert.match(refused ?? '', /^fail: .*the example directory is refused with a Redis/);
    const asked = { ...environment, FIREHOSE_EXAMPLE_DIRECTORY: 'true' };
    const found = await look(given, 'directory', { environment: asked });
    assert.deepEqual(found, ["warn: this is the quickstart's, whose password everybody knows"]);
  });
});

describe('keys and certificates', () => {
  it('of a folder that a gateway made are fine, until they age', LIMIT, async () => {
    await using running = await startGateway({});
    await using given = await settings();
    const environment = { FIREHOSE_STATE: running.stateFolder };
    const at = (days: number) => ({ environment, now: () => Date.now() + days * DAY_MS });
    assert.match((await look(given, 'certificate', at(0)))[0] ?? '', /^ok: is valid until .* \(36\d days\)$/);
    assert.match((await look(given, 'certificate', at(360)))[0] ?? '', /^warn: ends in \d days/);
    assert.match((await look(given, 'certificate', at(400)))[0] ?? '', /^fail: has expired/);
    assert.match(
      (await look(given, 'signing_keys', at(0)))[0] ?? '',
      /^ok: 1 verify, \S+ \(HS256\) signs for less than an hour$/,
    );
    assert.match((await look(given, 'signing_keys', at(0.5)))[0] ?? '', / signs for 12 hours$/);
    assert.match((await look(given, 'signing_keys', at(31)))[0] ?? '', /^warn: .* 31 days, longer than/);
    assert.match((await look(given, 'state', at(0)))[0] ?? '', /^ok: \d+ files/);
    await chmod(join(running.stateFolder, 'server.key'), 0o644);
    assert.match((await look(given, 'state', at(0)))[0] ?? '', /^warn: others may read \S+server.key$/);
  });

  it('of a state folder that cannot be read are a fault, and no first start', LIMIT, async () => {
    await using given = await settings();
    const state = join(given.folder, 'broken');
    await mkdir(join(state, 'server.crt'), { recursive: true });
    assert.deepEqual(await look(given, 'certificate', { environment: { FIREHOSE_STATE: state } }), [
      'fail: certificate or key cannot be read (EISDIR)',
    ]);
  });

  it('that are mounted: unreadable, not a pair, of another algorithm, dated by who made them', LIMIT, async () => {
    await using given = await settings();
    const [folder, file] = [join(given.folder, 'tls'), join(given.folder, 'signing-keys.json')];
    const environment = { FIREHOSE_TLS_FOLDER: folder, FIREHOSE_SIGNING_KEYS_FILE: file };
    assert.match((await look(given, 'certificate', { environment }))[0] ?? '', /^fail: .* cannot be read \(ENOENT\)$/);
    assert.deepEqual(await look(given, 'signing_keys', { environment }), ['fail: cannot be read (ENOENT)']);
    const now = Date.now();
    const authority = await createAuthority({ subject: 'CN=a', now, days: 10 });
    const issued = await issueCertificate(authority, { subject: 'CN=b', usage: 'server', now, days: 100 });
    await mkdir(folder);
    await writeFile(join(folder, 'tls.crt'), issued.cert);
    await writeFile(join(folder, 'tls.key'), authority.key);
    assert.match((await look(given, 'certificate', { environment }))[0] ?? '', /is not the key of this certificate$/);
    await writeFile(join(folder, 'tls.key'), 'canary');
    assert.deepEqual(await look(given, 'certificate', { environment }), ['fail: certificate or key is not PEM']);
    await writeFile(join(folder, 'tls.key'), issued.key);
    assert.match((await look(given, 'certificate', { environment }))[0] ?? '', /^ok: /);
    await writeFile(file, '{"k":"canary"}');
    assert.deepEqual(await look(given, 'signing_keys', { environment }), ['fail: is not a JSON array of JWKs']);
    await writeFile(file, JSON.stringify([{ kty: 'oct', kid: 'short', alg: 'HS256', k: 'canary' }]));
    assert.deepEqual(await look(given, 'signing_keys', { environment }), [
      'fail: the signing key short is shorter than 32 bytes',
    ]);
    const key = { ...(await newKey('EdDSA')), made: now / 1_000 - 100 * 86_400, signs: now / 1_000 - 40 * 86_400 };
    await writeFile(file, JSON.stringify([key]));
    await utimes(file, new Date(now), new Date(now));
    const [algorithm, age] = await look(given, 'signing_keys', { environment });
    assert.equal(algorithm, 'warn: signs by EdDSA, spec.auth.token.signing.algorithm is HS256');
    assert.match(age ?? '', / signs for 40 days, longer than signing.rotationInterval \(720h\)$/);
  });

  it('the tokens that are given, and a state folder that cannot be one', LIMIT, async () => {
    await using given = await settings();
    const file = join(given.folder, 'token');
    const token = (name: string) => look(given, 'ingest.token', { environment: { FIREHOSE_INGEST_TOKEN_FILE: name } });
    assert.deepEqual(await token('none'), ['ok: there is no ingest endpoint']);
    assert.match((await token(file))[0] ?? '', /^fail: .* cannot be read \(ENOENT\)$/);
    await writeFile(file, '\n');
    assert.match((await token(file))[0] ?? '', /^fail: .* is empty$/);
    await writeFile(file, 'canary');
    assert.match((await token(file))[0] ?? '', /^ok: .* holds one$/);
    const admin = await look(given, 'admin.token', { environment: { FIREHOSE_ADMIN_TOKEN_FILE: given.folder } });
    assert.match(admin[0] ?? '', /^fail: .* cannot be read \(EISDIR\)/);
    const state = await look(given, 'state', { environment: { FIREHOSE_STATE: file } });
    assert.deepEqual(state, ['fail: cannot be used (ENOTDIR)']);
  });
});
