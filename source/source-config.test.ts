import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ConfigurationFault } from '../runtime/lifecycle/configuration-fault.ts';
import { readSourceConfig } from './source-config.ts';

const ACCOUNT = '{ id: a1, name: north, realm: north.sip.example.com }';
const REDIS_URL = 'redis://firehose-source:canary@redis.example.com/3';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firehose-source-'));
});
after(() => rm(folder, { recursive: true }));

async function file(text: string): Promise<string> {
  const path = join(folder, 'source.yaml');
  await writeFile(path, text);
  return path;
}

async function faultsOf(environment: Record<string, string>): Promise<readonly string[]> {
  try {
    await readSourceConfig(environment);
  } catch (error) {
    assert.ok(error instanceof ConfigurationFault, String(error));
    return error.faults;
  }
  return assert.fail('nothing is wrong with it');
}

test('the accounts and the URL are enough', async () => {
  const path = await file(`simulator: { accounts: [${ACCOUNT}] }`);
  const config = await readSourceConfig({ FIREHOSE_SOURCE_FILE: path, REDIS_URL });
  assert.deepEqual(
    { ...config, redis: config.redis.database },
    {
      redis: 3,
      keyPrefix: 'firehose:',
      partitions: 4,
      waitReplicas: 0,
      retention: { maxLength: 50_000, maxAgeMs: 3_600_000 },
      simulator: {
        seed: 'firehose',
        callsPerSecond: 2,
        accounts: [{ id: 'a1', name: 'north', realm: 'north.sip.example.com' }],
      },
      host: '127.0.0.1',
      port: 9_090,
    },
  );
});

test('every fault of file and environment is said at once, and no password', async () => {
  const path = await file(`
    redis: { mode: Sentinel, urlSecretRef: { name: x } }
    stream: { partitions: 65, retention: { maxAge: 1s } }
    simulator: { callsPerSecond: 101, accounts: [${ACCOUNT}, ${ACCOUNT}], colour: red }`);
  const faults = await faultsOf({
    FIREHOSE_SOURCE_FILE: path,
    REDIS_URL: 'http://:canary@host',
    FIREHOSE_INNER_PORT: '70000',
    LOG_LEVEL: 'loud',
  });
  const expected = ['redis.sentinel', 'stream.partitions', 'stream.retention.maxAge', 'simulator.callsPerSecond'];
  const environment = ['REDIS_URL', 'FIREHOSE_INNER_PORT', 'LOG_LEVEL'];
  for (const where of [...expected, 'simulator.accounts', 'colour', ...environment]) {
    assert.ok(
      faults.some((fault) => fault.includes(where)),
      `${where} is not in ${faults.join('\n')}`,
    );
  }
  assert.doesNotMatch(faults.join('\n'), /canary/);
});

test('secrets are not named in the file', async () => {
  const path = await file(`{ redis: { urlSecretRef: { name: x } }, simulator: { accounts: [${ACCOUNT}] } }`);
  const faults = await faultsOf({ FIREHOSE_SOURCE_FILE: path, REDIS_URL });
  assert.match(faults.join('\n'), /source\.yaml: redis: secrets are given by REDIS_URL/);
});

test('what is missing is named: the settings, the file, its accounts', async () => {
  assert.deepEqual(
    (await faultsOf({})).map((fault) => fault.split(':')[1]?.trim()),
    ['FIREHOSE_SOURCE_FILE', 'REDIS_URL'],
  );
  const nowhere = join(folder, 'nowhere.yaml');
  assert.match((await faultsOf({ FIREHOSE_SOURCE_FILE: nowhere, REDIS_URL })).join(), /cannot be read \(ENOENT\)/);
  const empty = await file('simulator: { accounts: [] }');
  assert.match((await faultsOf({ FIREHOSE_SOURCE_FILE: empty, REDIS_URL })).join(), /simulator\.accounts/);
  const broken = await file('simulator: { accounts: [');
  assert.match((await faultsOf({ FIREHOSE_SOURCE_FILE: broken, REDIS_URL })).join(), /source\.yaml: .*line 1/);
});
