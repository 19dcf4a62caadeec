import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { ConfigurationFault } from '../runtime/lifecycle/configuration-fault.ts';
import { readSourceConfig } from './source-config.ts';

const ACCOUNT = '{ id: a1, name: north, realm: north.sip.example.com }';
const REDIS_URL = 'redis://firehose-source:canary@redis.example.com/3';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firehose-source-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function file(text: string, name = 'source.yaml'): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return path;
}

const read = async (text: string, environment: Record<string, string> = {}) =>
  readSourceConfig({
    FIREHOSE_SOURCE_FILE: await file(text),
    FIREHOSE_SOURCE_SECRETS: folder,
    REDIS_URL,
    ...environment,
  });

async function faultsOf(environment: Record<string, string>): Promise<readonly string[]> {
  try {
    await readSourceConfig(environment);
  } catch (error) {
    assert.ok(error instanceof ConfigurationFault, String(error));
    return error.faults;
  }
  return assert.fail('nothing is wrong with it');
}
const faultsOfFile = async (text: string, environment: Record<string, string> = {}) =>
  faultsOf({ FIREHOSE_SOURCE_FILE: await file(text), FIREHOSE_SOURCE_SECRETS: folder, REDIS_URL, ...environment });

test('a port that Asterisk connects to needs a certificate, or a proxy that has it', async () => {
  const spec = (listen: string) =>
    `asterisk: { endpoints: [{ name: pbx1, interface: ARIOutbound }], listen: ${listen} }`;
  await file('asterisk', 'pbx1/username');
  await file('secret', 'pbx1/password');
  const [fault, ...others] = await faultsOfFile(spec('{}'));
  assert.match(fault ?? '', /FIREHOSE_TLS_FOLDER: the folder with tls.crt/);
  assert.deepEqual(others, []);
  assert.equal((await read(spec('{}'), { FIREHOSE_TLS_FOLDER: folder })).tlsFolder, folder);
  assert.equal((await read(spec('{ tls: { disabled: true } }'))).tlsFolder, null);
});

test('the accounts of a simulation and the URL are enough', async () => {
  const config = await read(`simulator: { accounts: [${ACCOUNT}] }`);
  assert.equal(config.name, 'default/source');
  assert.equal(config.redis.database, 3);
  assert.deepEqual(config.spec.stream, {
    partitions: 4,
    waitReplicas: 0,
    retention: { maxLength: 50_000, maxAge: '1h' },
  });
  assert.equal(config.spec.simulator?.callsPerSecond, 2);
  assert.deepEqual([config.host, config.port, config.endpoints, config.rules], ['127.0.0.1', 9_090, [], []]);
});

test('a FirehoseSource and its bare spec say the same; the first has a name of its own', async () => {
  const spec = `simulator: { accounts: [${ACCOUNT}] }`;
  const manifest = `
    apiVersion: firehose.dev/v1alpha1
    kind: FirehoseSource
    metadata: { name: pbx, namespace: voice, labels: { team: voice }, uid: 1-2 }
    spec: { redis: { urlSecretRef: { name: redis } }, ${spec} }
    status: { type: Simulator }`;
  const [full, bare] = [await read(manifest), await read(spec, { FIREHOSE_SOURCE_NAME: 'voice/other' })];
  assert.deepEqual([full.name, bare.name], ['voice/pbx', 'voice/other']);
  const { redis: _, ...rest } = full.spec;
  const { redis: __, ...bareRest } = bare.spec;
  assert.deepEqual(rest, bareRest);
});

test('credentials are read from the Secrets that the file names, trimmed', async () => {
  await file('esl@acme.example.com\n', 'esl/username');
  await file('  fs-canary\n', 'esl/password');
  const config = await read(
    'freeswitch: { endpoints: [{ name: fs1, host: fs1.voip, credentialsSecretRef: { name: esl } }] }',
  );
  assert.deepEqual(config.endpoints, [
    {
      kind: 'freeswitch',
      name: 'fs1',
      host: 'fs1.voip',
      port: 8_021,
      credentials: { username: 'esl@acme.example.com', password: 'fs-canary' },
    },
  ]);
});

test('an endpoint without a reference has the folder of its name', async () => {
  await file('fs-canary', 'fs1/password');
  const config = await read('freeswitch: { endpoints: [{ name: fs1, host: fs1.voip }] }');
  assert.deepEqual(
    config.endpoints.map((one) => one.kind === 'freeswitch' && one.credentials),
    [{ username: null, password: 'fs-canary' }],
  );
});

test('the interfaces of Asterisk have their ports, and TLS what it needs', async () => {
  await file('firehose', 'ami/username');
  await file('canary', 'ami/password');
  const ref = 'credentialsSecretRef: { name: ami }';
  const config = await read(`
    asterisk:
      listen: { tls: { disabled: true } }
      endpoints:
        - { name: a, host: h, ${ref} }
        - { name: b, host: h, ${ref}, tls: { enabled: true, serverName: pbx.example.com } }
        - { name: c, host: h, ${ref}, interface: ARI, port: 1234 }
        - { name: d, ${ref}, interface: ARIOutbound }`);
  assert.deepEqual(
    config.endpoints.map((one) => one.kind === 'asterisk' && [one.interface, one.address?.port ?? null, one.tls]),
    [
      ['AMI', 5_038, null],
      ['AMI', 5_039, { ca: null, cert: null, key: null, serverName: 'pbx.example.com' }],
      ['ARI', 1_234, null],
      ['ARIOutbound', null, null],
    ],
  );
});

test('the URL of each broker is a secret', async () => {
  await file('amqps://u:canary@rabbit.example.com/vhost\n', 'amqp/zone-1');
  await file('amqp://u:canary@rabbit2.example.com', 'zone-2/url');
  const config = await read(
    'kazoo: { brokers: [{ name: zone-1, urlSecretRef: { name: amqp, key: zone-1 } }, { name: zone-2 }] }',
  );
  assert.deepEqual(
    config.endpoints.map((one) => one.kind === 'broker' && [one.name, one.url]),
    [
      ['zone-1', 'amqps://u:canary@rabbit.example.com/vhost'],
      ['zone-2', 'amqp://u:canary@rabbit2.example.com'],
    ],
  );
});

test('realms of a directory choose accounts after the rules', async () => {
  await file('x', 'fs1/password');
  const directory = await file(
    'accounts: [{ id: a1, name: north, realm: north.example.com }, { id: a2, name: other }]\nusers: []\n',
    'directory.yaml',
  );
  const config = await read(
    `freeswitch: { endpoints: [{ name: fs1, host: fs1 }] }
accounts: { fromDirectory: true, rules: [{ match: { did: '1' }, account: acme }] }`,
    { FIREHOSE_SOURCE_DIRECTORY: directory },
  );
  assert.deepEqual(config.rules, [
    { match: { did: '1' }, account: 'acme' },
    { match: { domain: 'north.example.com' }, account: 'a1' },
  ]);
});

test('every fault of file, environment and Secrets is said at once, and no password', async () => {
  const faults = await faultsOfFile(
    `
    redis: { mode: Sentinel, urlSecretRef: { name: x } }
    stream: { partitions: 65, retention: { maxAge: 1s } }
    simulator: { callsPerSecond: 101, accounts: [${ACCOUNT}, ${ACCOUNT}], colour: red }`,
    { REDIS_URL: 'http://:canary@host', FIREHOSE_INNER_PORT: '70000', LOG_LEVEL: 'loud', FIREHOSE_SOURCE_NAME: 'x' },
  );
  const expected = ['redis.sentinel', 'stream.partitions', 'stream.retention.maxAge', 'simulator.callsPerSecond'];
  const environment = ['REDIS_URL', 'FIREHOSE_INNER_PORT', 'LOG_LEVEL', 'FIREHOSE_SOURCE_NAME'];
  for (const where of [...expected, 'simulator.accounts', 'colour', ...environment]) {
    assert.ok(
      faults.some((fault) => fault.includes(where)),
      `${where} is not in ${faults.join('\n')}`,
    );
  }
  assert.doesNotMatch(faults.join('\n'), /canary/);
});

test('what is wrong with any Secret is said of all at once, and nothing of it', async () => {
  await file('two\nlines-canary', 'esl/password');
  await file('amqp', 'wrong/url');
  await file('canary is no certificate', 'ca/ca.crt');
  const endpoints = `[{ name: fs1, host: fs1, credentialsSecretRef: { name: esl } }, { name: fs2, host: fs2 }]`;
  const faults = [
    ...(await faultsOfFile(`freeswitch: { endpoints: ${endpoints} }`)),
    ...(await faultsOfFile(
      'kazoo: { brokers: [{ urlSecretRef: { name: wrong }, tls: { caSecretRef: { name: ca }, clientCertSecretName: cl } }] }',
    )),
  ].join('\n');
  assert.match(faults, /endpoint fs1: .*esl\/password holds a line break/);
  assert.match(faults, /endpoint fs2: .*fs2\/password cannot be read \(ENOENT\)/);
  assert.match(faults, /endpoint broker: the URL of the broker is none \(amqp:\/\/ or amqps:\/\/\)/);
  assert.match(faults, /endpoint broker: .*ca\/ca\.crt does not hold a certificate in PEM form/);
  assert.match(faults, /endpoint broker: .*cl\/tls\.crt cannot be read \(ENOENT\)/);
  assert.doesNotMatch(faults, /canary/);
});

test('what is missing is named: the settings, the file, its kind, its Secrets, the directory', async () => {
  assert.deepEqual(
    (await faultsOf({})).map((fault) => fault.split(':')[1]?.trim()),
    ['FIREHOSE_SOURCE_FILE', 'REDIS_URL'],
  );
  const nowhere = join(folder, 'nowhere.yaml');
  assert.match((await faultsOf({ FIREHOSE_SOURCE_FILE: nowhere, REDIS_URL })).join(), /cannot be read \(ENOENT\)/);
  assert.match((await faultsOfFile('')).join(), /exactly one of kazoo, freeswitch, asterisk, simulator/);
  assert.match((await faultsOfFile('simulator: { accounts: [] }')).join(), /simulator\.accounts/);
  assert.match((await faultsOfFile('simulator: { accounts: [')).join(), /source\.yaml: .*line 1/);
  const path = await file('freeswitch: { endpoints: [{ name: fs1, host: fs1 }] }\naccounts: { fromDirectory: true }');
  const faults = await faultsOf({ FIREHOSE_SOURCE_FILE: path, REDIS_URL });
  for (const name of ['FIREHOSE_SOURCE_SECRETS', 'FIREHOSE_SOURCE_DIRECTORY']) {
    assert.ok(
      faults.some((fault) => fault.includes(name)),
      faults.join(),
    );
  }
});
