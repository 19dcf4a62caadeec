import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect } from 'node:tls';
import { decodeProtectedHeader } from 'jose';
import { createAuthority, issueCertificate, type CertificatePem } from '../../runtime/certificates/certificate.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { newKey } from '../../runtime/signing/new-key.ts';
import { commandClient } from '../../runtime/redis/client.ts';
import { liveReplicas } from '../../event-log/provisioning/replicas.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { buildGateway, type Gateway } from '../build.ts';
import { readConfig } from '../config.ts';
import { ADMIN, post } from '../testing/running-gateway.ts';
import { until } from '../../testing/until.ts';

/** A gateway's view in a pod: every file is in a mounted volume, which changes by one swap of a symlink. */

let redis: RedisServer;
let folder: string;
let authority: CertificatePem;
let gateway: Gateway;
const volumes: Record<string, Record<string, string>> = {};

/** Like Kubernetes' atomic writer: files are links through `..data`, which is replaced at once. */
async function mount(volume: string, files: Record<string, string>): Promise<void> {
  const root = join(folder, volume);
  volumes[volume] = files;
  const version = `..${createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 12)}${Date.now()}`;
  await mkdir(join(root, version), { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, version, name), text);
  await symlink(version, join(root, '..data.new'));
  await rename(join(root, '..data.new'), join(root, '..data'));
  for (const name of Object.keys(files)) {
    await symlink(join('..data', name), join(root, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

const quickstart = (name: string) => readFile(new URL(`../quickstart/${name}`, import.meta.url), 'utf8');
const server = () =>
  issueCertificate(authority, {
    subject: 'CN=firehose',
    usage: 'server',
    ips: ['127.0.0.1'],
    now: Date.now(),
    days: 90,
  });

before(async () => {
  redis = await startRedis();
  folder = await mkdtemp(join(tmpdir(), 'firehose-mounted-'));
  authority = await createAuthority({ subject: 'CN=test', now: Date.now(), days: 3_650 });
  const certificate = await server();
  await mount('config', {
    'subscription.yaml': await quickstart('subscription.yaml'),
    'directory.yaml': await quickstart('directory.yaml'),
  });
  await mount('keys', { 'signing-keys.json': JSON.stringify([await newKey('HS256')]) });
  await mount('tls', { 'tls.crt': certificate.cert, 'tls.key': certificate.key });
  const config = await readConfig({
    FIREHOSE_CONFIG: join(folder, 'config'),
    FIREHOSE_STATE: join(folder, 'state'),
    FIREHOSE_SIGNING_KEYS_FILE: join(folder, 'keys', 'signing-keys.json'),
    FIREHOSE_TLS_FOLDER: join(folder, 'tls'),
    FIREHOSE_INGEST_TOKEN_FILE: 'none',
    FIREHOSE_HOST: '127.0.0.1',
    FIREHOSE_PORT: '0',
    FIREHOSE_INNER_PORT: '0',
    REDIS_URL: redis.url,
  });
  gateway = await buildGateway(config, silentLogger);
});
after(async () => {
  await gateway[Symbol.asyncDispose]();
  await redis.stop();
  await rm(folder, { recursive: true });
});

const login = (body: object = {}) => post(gateway.port, authority.cert, JSON.stringify({ ...ADMIN, ...body }));

async function keyOfLogin(): Promise<string> {
  return String(decodeProtectedHeader(String((await login()).body['access_token'])).kid);
}

async function servedSerial(): Promise<string> {
  const socket = connect({ port: gateway.port, host: '127.0.0.1', ca: authority.cert });
  try {
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    return socket.getPeerCertificate().serialNumber;
  } finally {
    socket.destroy();
  }
}

test('signing keys are followed: a new one verifies, then signs, and what it does not know stays', async () => {
  const [old] = JSON.parse(volumes['keys']?.['signing-keys.json'] ?? '') as [{ kid: string }];
  assert.equal(await keyOfLogin(), old.kid);
  const next = await newKey('HS256');
  await mount('keys', { 'signing-keys.json': JSON.stringify([{ ...next, made: 1, signs: 2 }, old]) });
  await until('a login signed by the new key', () => keyOfLogin(), { holds: (seen) => seen === next.kid });
  await mount('keys', { 'signing-keys.json': 'not keys' });
  await mount('keys', { 'signing-keys.json': JSON.stringify([old, next]) });
  await until('a login signed by the old key', () => keyOfLogin(), { holds: (seen) => seen === old.kid });
});

test('the heartbeat tells which keys this replica holds, the one that signs first', async () => {
  const [active] = JSON.parse(volumes['keys']?.['signing-keys.json'] ?? '') as [{ kid: string }];
  const candidate = await newKey('HS256');
  await mount('keys', { 'signing-keys.json': JSON.stringify([active, candidate]) });
  const client = commandClient(redis.url, { logger: silentLogger, name: 'test' });
  try {
    await until('the keys in the heartbeat', async () => {
      const replicas = await liveReplicas(client, 'firehose:', 'default/quickstart').catch(() => []);
      return JSON.stringify(replicas.map(({ keys }) => keys)) === JSON.stringify([[active.kid, candidate.kid]]);
    });
  } finally {
    client.disconnect();
  }
});

test('a renewed certificate is served, and a pair that does not fit is not', async () => {
  const first = await servedSerial();
  const [one, other] = [await server(), await server()];
  await mount('tls', { 'tls.crt': one.cert, 'tls.key': other.key });
  await mount('tls', { 'tls.crt': one.cert, 'tls.key': one.key });
  await until('another certificate served', () => servedSerial(), { holds: (seen) => seen !== first });
});

test('filters are followed: what the resource offers no more cannot be asked for', async () => {
  assert.equal((await login({ events: ['CHANNEL_ANSWER'] })).status, 200);
  const subscription = await quickstart('subscription.yaml');
  const files = volumes['config'] ?? {};
  await mount('config', {
    ...files,
    'subscription.yaml': `${subscription}  filters: { excludeEvents: [CHANNEL_ANSWER] }\n`,
  });
  await until('the login refused', async () => (await login({ events: ['CHANNEL_ANSWER'] })).status, {
    holds: (seen) => seen === 403,
  });
  await mount('config', { ...files, 'subscription.yaml': 'spec: nonsense' });
  await mount('config', { ...files, 'subscription.yaml': subscription });
  await until('the login accepted', async () => (await login({ events: ['CHANNEL_ANSWER'] })).status, {
    holds: (seen) => seen === 200,
  });
});

test('without an ingest token there is no ingest endpoint', async () => {
  const answer = await fetch(`http://127.0.0.1:${gateway.innerPort}/ws/v1/firehose/events`, {
    method: 'POST',
    body: '{}',
  });
  assert.equal(answer.status, 404);
});

test('files that cannot be used at the start are faults that say which', async () => {
  const config = await readConfig({
    FIREHOSE_CONFIG: join(folder, 'config'),
    FIREHOSE_STATE: join(folder, 'state-2'),
    FIREHOSE_SIGNING_KEYS_FILE: join(folder, 'keys', 'absent.json'),
    FIREHOSE_PORT: '0',
    FIREHOSE_INNER_PORT: '0',
  });
  await assert.rejects(
    buildGateway(config, silentLogger),
    /FIREHOSE_SIGNING_KEYS_FILE: .*absent\.json: cannot be read \(ENOENT\)/,
  );
  await assert.rejects(
    buildGateway({ ...config, signingKeysFile: null, tlsFolder: join(folder, 'nowhere') }, silentLogger),
    /FIREHOSE_TLS_FOLDER: .*nowhere: tls\.crt cannot be read \(ENOENT\)/,
  );
});
