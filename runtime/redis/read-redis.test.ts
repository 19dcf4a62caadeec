import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, it } from 'node:test';
import { subscriptionSchema } from '../../protocol/subscription.ts';
import { makeCertificates, type Certificates } from '../../testing/certificates.ts';
import { readRedis } from './read-redis.ts';

let certificates: Certificates;
let other: Certificates;
before(async () => {
  [certificates, other] = await Promise.all([makeCertificates(), makeCertificates()]);
});
after(() => Promise.all([certificates, other].map((one) => one[Symbol.asyncDispose]())));

function spec(redis: object) {
  return subscriptionSchema.parse({
    apiVersion: 'firehose.dev/v1alpha1',
    kind: 'FirehoseSubscription',
    metadata: { name: 'test' },
    spec: { account: { id: 'test' }, redis },
  }).spec.redis;
}

it('is none without REDIS_URL', async () => {
  assert.deepEqual(await readRedis({}, spec({})), { connection: null, faults: [] });
});

it('reads authority, certificate and key from their files', async () => {
  const { caFile, certFile, keyFile } = certificates;
  const { connection, faults } = await readRedis(
    { REDIS_URL: 'rediss://h', REDIS_CA_FILE: caFile, REDIS_CERT_FILE: certFile, REDIS_KEY_FILE: keyFile },
    spec({}),
  );
  assert.deepEqual(faults, []);
  assert.match(connection?.tls?.ca ?? '', /BEGIN CERTIFICATE/);
  assert.match(connection?.tls?.key ?? '', /BEGIN PRIVATE KEY/);
});

it("takes the sentinels' own login beside that of the servers", async () => {
  const { connection } = await readRedis(
    { REDIS_URL: 'redis://u:p@a,b:7', REDIS_SENTINEL_USERNAME: 'su', REDIS_SENTINEL_PASSWORD: 'sp' },
    spec({ mode: 'Sentinel', sentinel: { masterName: 'main' } }),
  );
  assert.deepEqual(connection?.sentinel, { masterName: 'main', username: 'su', password: 'sp' });
  assert.deepEqual([connection?.username, connection?.password], ['u', 'p']);
});

it('tells all faults of files and fields at once, and no secret', async () => {
  const notPem = join(dirname(certificates.caFile), 'canary.txt');
  await writeFile(notPem, 'canary');
  const { connection, faults } = await readRedis(
    { REDIS_URL: 'redis://:canary@a,b', REDIS_CA_FILE: '/nowhere', REDIS_CERT_FILE: notPem, REDIS_KEY_FILE: notPem },
    spec({}),
  );
  assert.equal(connection, null);
  const expected = [
    /\/nowhere cannot be read \(ENOENT\)/,
    /not hold a certificate/,
    /not hold an unencrypted private key/,
  ];
  for (const pattern of [...expected, /names several hosts/]) assert.match(faults.join('\n'), pattern);
  assert.doesNotMatch(faults.join('\n').replaceAll(notPem, ''), /canary/);
});

it('refuses a key that is not of the certificate', async () => {
  const { faults } = await readRedis(
    { REDIS_URL: 'rediss://h', REDIS_CERT_FILE: certificates.certFile, REDIS_KEY_FILE: other.keyFile },
    spec({}),
  );
  assert.match(faults.join('\n'), /the key is not the certificate's/);
});

it('refuses settings and modes that mean nothing without REDIS_URL', async () => {
  const { faults } = await readRedis({ REDIS_CA_FILE: certificates.caFile }, spec({ mode: 'Cluster' }));
  assert.equal(faults.length, 2);
});

it('takes the URL from a file too, without the blanks that an editor leaves, and says what is wrong with it', async () => {
  const REDIS_URL_FILE = join(dirname(certificates.caFile), 'redis-url');
  await writeFile(REDIS_URL_FILE, '\ufeffredis://u:canary@h:7/3\r\n');
  const { connection } = await readRedis({ REDIS_URL_FILE }, spec({}));
  assert.deepEqual(
    [connection?.nodes, connection?.password, connection?.database],
    [[{ host: 'h', port: 7 }], 'canary', 3],
  );
  const both = await readRedis({ REDIS_URL_FILE, REDIS_URL: 'redis://h' }, spec({}));
  assert.deepEqual(both.faults, ['REDIS_URL, REDIS_URL_FILE: one of them, not both']);
  const missing = await readRedis({ REDIS_URL_FILE: '/nowhere' }, spec({}));
  assert.deepEqual(missing.faults, ['REDIS_URL_FILE: /nowhere cannot be read (ENOENT)']);
  await writeFile(REDIS_URL_FILE, 'redis://canary\nredis://canary');
  assert.match((await readRedis({ REDIS_URL_FILE }, spec({}))).faults.join(), /holds a line break/);
});

it('refuses control characters in a login, however they are written', async () => {
  for (const url of ['redis://:a%0d%0ab@h', 'redis://us%00er:p@h', 'redis://u:p%7f@h', 'redis://:a%C2%85@h']) {
    const { connection, faults } = await readRedis({ REDIS_URL: url }, spec({}));
    assert.equal(connection, null, url);
    assert.match(faults.join(), /^REDIS_URL: .*no control characters$/);
  }
});
