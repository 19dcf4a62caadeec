import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { decodeProtectedHeader } from 'jose';
import { REVOCATIONS_PATH } from '../protocol/paths.ts';
import type { Operator } from './build.ts';
import { secretText } from './subscription/secret-text.ts';
import { readKeys } from './subscription/signing-keys.ts';
import { deploymentPath, startPlatform, VOICE, type Platform } from './testing/platform.ts';
import { runPod, type Pod } from './testing/pod.ts';
import { MINIMAL_SPEC } from './testing/resources.ts';
import { runOperator } from './testing/run-operator.ts';
import { until } from '../testing/until.ts';

const MERGE = 'application/merge-patch+json';
const DAY = 86_400_000;
const ADMIN = { username: 'admin', password: 'adminpassword', domain: 'admin' };
const ACCOUNT = '91eb05e5c68d7ca05e7618b6821d2d16';
const secretPath = (name: string) => `/api/v1/namespaces/${VOICE}/secrets/${name}`;

/** A gateway runs on exactly what the operator renders: its environment and its mounted files. */
describe('a gateway as it is rendered', () => {
  let platform: Platform;
  let operator: Operator;
  let pod: Pod;
  let ahead = 0;
  before(async () => {
    platform = await startPlatform();
    await platform.secrets(VOICE);
    const directory = await readFile(new URL('../gateway/quickstart/directory.yaml', import.meta.url), 'utf8');
    const stringData = { 'directory.yaml': directory };
    await platform.plane.admin.must('PATCH', secretPath('acme-directory'), { stringData }, MERGE);
    operator = await runOperator(platform, { now: () => Date.now() + ahead });
    await platform.create('acme', { ...MINIMAL_SPEC, account: { id: ACCOUNT }, gateway: { replicas: 1 } });
    await until('a Deployment', () => platform.get(deploymentPath('acme')));
    await platform.markReady('acme');
    pod = await runPod(platform, 'acme');
  });
  after(async () => {
    await pod[Symbol.asyncDispose]();
    await operator[Symbol.asyncDispose]();
    await platform[Symbol.asyncDispose]();
  });

  const keys = async () => readKeys(await platform.get(secretPath('acme-signing-keys'))) ?? [];
  const signedBy = async () => {
    const { body } = await pod.login(ADMIN);
    return decodeProtectedHeader(String(body['access_token'])).kid;
  };

  test('logs in over the certificate that the operator made, with a token of its key', async () => {
    await until('a login', async () => (await pod.login(ADMIN)).status === 200);
    assert.equal(await signedBy(), (await keys())[0]?.kid);
  });

  test('takes the token of the administrators, which is the same for every replica', async () => {
    const token = secretText(await platform.get(secretPath('acme-admin-token')), 'token')?.trim() ?? '';
    const revocations = (bearer: string) =>
      fetch(`http://127.0.0.1:${pod.innerPort}${REVOCATIONS_PATH}`, { headers: { Authorization: `Bearer ${bearer}` } });
    assert.equal((await revocations(token)).status, 200);
    assert.equal((await revocations(`${token}x`)).status, 401);
  });

  test('follows a change of the filters', async () => {
    await platform.patch('acme', { spec: { filters: { excludeEvents: ['CHANNEL_ANSWER'] } } });
    await until('refused', async () => {
      await pod.sync();
      return (await pod.login({ ...ADMIN, events: ['CHANNEL_ANSWER'] })).status === 403;
    });
  });

  test('a rotation goes through its steps by what the gateway itself tells', async () => {
    const [first] = await keys();
    ahead = 31 * DAY;
    const second = await until('a second key', async () => (await keys())[1]);
    // The operator waits for the gateway, whose files have not changed yet.
    assert.equal((await keys())[0]?.kid, first?.kid);
    await pod.sync();
    await until('it signs', async () => (await keys())[0]?.kid === second.kid);
    assert.equal(await signedBy(), first?.kid);
    await pod.sync();
    await until('the gateway signs with it', async () => (await signedBy()) === second.kid);
    await until('the old one is retired', async () => (await keys())[1]?.retired !== undefined);
  });
});
