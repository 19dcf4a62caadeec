import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import type { Operator } from './build.ts';
import { selectorOf } from './resources/rendering.ts';
import { deploymentPath, startPlatform, VOICE, type Platform } from './testing/platform.ts';
import { MINIMAL_SPEC } from './testing/resources.ts';
import { runPod } from './testing/pod.ts';
import { runOperator } from './testing/run-operator.ts';
import { until } from '../testing/until.ts';

const MERGE = 'application/merge-patch+json';
const core = `/api/v1/namespaces/${VOICE}`;
const ACCOUNT = '91eb05e5c68d7ca05e7618b6821d2d16';
const own = { redis: { urlSecretRef: { name: 'firehose-redis' }, keyPrefix: 'own:' } };

type Involving = Awaited<ReturnType<Platform['events']>>[number] & { involvedObject: { kind: string; name: string } };

describe('a resource tells what its gateways meet', () => {
  let platform: Platform;
  let operator: Operator;
  before(async () => {
    platform = await startPlatform();
    // The output of `echo url | base64`.
    await platform.secrets(VOICE, `${platform.redis.url}\n`);
    const directory = await readFile(new URL('../gateway/quickstart/directory.yaml', import.meta.url), 'utf8');
    const stringData = { 'directory.yaml': directory };
    await platform.plane.admin.must('PATCH', `${core}/secrets/acme-directory`, { stringData }, MERGE);
    operator = await runOperator(platform);
  });
  after(async () => {
    await operator[Symbol.asyncDispose]();
    await platform[Symbol.asyncDispose]();
  });
  const must = (...call: Parameters<Platform['plane']['admin']['must']>) => platform.plane.admin.must(...call);

  test('I17: a URL that ends with a line feed serves the operator and the gateway alike', async () => {
    await platform.create('acme', { ...MINIMAL_SPEC, account: { id: ACCOUNT }, gateway: { replicas: 1 } });
    await until('a Deployment', () => platform.get(deploymentPath('acme')));
    await until('Redis', async () => (await platform.condition('acme', 'RedisConnected'))?.status === 'True');
    await using _ = await runPod(platform, 'acme');
  });

  for (const [name, what, token, fault] of [
    ['broken', 'a value with a line feed within', 'sesame\nopen', /holds a line break/],
    ['blank', 'a token that no request can carry', 'sesame open', /holds a blank/],
  ] as const) {
    test(`I17: ${what} is refused before a gateway starts, and not repeated`, async () => {
      await must('POST', `${core}/secrets`, { metadata: { name }, stringData: { token } });
      await platform.create(name, { ...MINIMAL_SPEC, ...own, ingest: { tokenSecretRef: { name } } });
      const { message } = await until('a word', async () => {
        const condition = await platform.condition(name, 'ReferencesResolved');
        return condition?.status === 'False' ? condition : null;
      });
      assert.ok(message.includes(`ingest.tokenSecretRef: the key token of the Secret ${name} `), message);
      assert.match(message, fault);
      assert.doesNotMatch(message, /sesame|open/);
      assert.equal(await platform.get(deploymentPath(name)), null);
    });
  }

  test('V5: keys of pseudonyms that are missing or faulty are named, and nothing of them is repeated', async () => {
    const privacy = { pseudonymKeySecretRef: { name: 'pseudonyms' } };
    const told = (expected: RegExp) =>
      until('the condition', async () => {
        const condition = await platform.condition('hiding', 'ReferencesResolved');
        return condition?.status === 'False' && expected.test(condition.message) ? condition : null;
      });
    await platform.create('hiding', { ...MINIMAL_SPEC, ...own, privacy });
    await told(/privacy\.pseudonymKeySecretRef: there is no Secret pseudonyms/);
    const stringData = { 'pseudonym-keys.json': '[{"id":"1","key":"c2VzYW1l"}]' };
    await must('POST', `${core}/secrets`, { metadata: { name: 'pseudonyms' }, stringData });
    const { message } = await told(
      /the key pseudonym-keys\.json of the Secret pseudonyms: the key 1 is shorter than 32 bytes/,
    );
    assert.doesNotMatch(message, /c2Vz|sesame/);
    assert.equal(await platform.get(deploymentPath('hiding')), null);
  });

  test('a gateway that crash-loops shows its last words in the condition', async () => {
    await platform.create('crashing', { ...MINIMAL_SPEC, ...own });
    const deployment = await until('a Deployment', () => platform.get(deploymentPath('crashing')));
    assert.match(JSON.stringify(deployment['spec']), /"terminationMessagePolicy":"FallbackToLogsOnError"/);
    await until('the service account of pods', () => platform.get(`${core}/serviceaccounts/default`));
    await must('POST', `${core}/pods`, {
      metadata: { name: 'crashing-gateway-1', labels: selectorOf('crashing') },
      spec: { containers: [{ name: 'gateway', image: 'example.com/none' }] },
    });
    const log = JSON.stringify({ level: 60, msg: 'environment: REDIS_URL: a URL as redis://' });
    const terminated = { exitCode: 2, message: `${log}\n`, reason: 'Error' };
    const containerStatus = {
      name: 'gateway',
      image: 'example.com/none',
      imageID: '',
      ready: false,
      restartCount: 4,
      lastState: { terminated },
      state: { waiting: { reason: 'CrashLoopBackOff' } },
    };
    await must(
      'PATCH',
      `${core}/pods/crashing-gateway-1/status`,
      { status: { containerStatuses: [containerStatus] } },
      MERGE,
    );
    const { message } = await until('its last words', async () => {
      const condition = await platform.condition('crashing', 'GatewayAvailable');
      return condition?.reason === 'GatewayCrashing' ? condition : null;
    });
    assert.match(message, /crashing-gateway-1 ended with exit code 2: environment: REDIS_URL: a URL as redis:\/\/$/);
    assert.equal((await platform.condition('crashing', 'Ready'))?.reason, 'GatewayCrashing');
  });

  test('a normal start warns of nothing, and the endpoint is ready once a gateway serves', async () => {
    await platform.create('calm', { ...MINIMAL_SPEC, ...own });
    await until('a Deployment', () => platform.get(deploymentPath('calm')));
    const endpoint = () => platform.condition('calm', 'EndpointReady');
    await until('no gateway yet', async () => (await endpoint())?.reason === 'NoReadyGateway');
    await platform.markReady('calm', VOICE, 1);
    await until('one of two', async () => (await platform.status('calm')).gateway?.readyReplicas === 1);
    assert.equal((await endpoint())?.status, 'True');
    await platform.markReady('calm');
    await until('Ready', async () => (await platform.condition('calm', 'Ready'))?.status === 'True');
    const of = (type: string) =>
      platform.events().then((events) =>
        (events as Involving[]).filter(
          // The API server itself warns of Services.
          ({ type: said, involvedObject: { kind, name } }) =>
            said === type && kind === 'FirehoseSubscription' && name === 'calm',
        ),
      );
    await until('the Event of Ready', async () => (await of('Normal')).some(({ reason }) => reason === 'Ready'));
    assert.deepEqual(await of('Warning'), []);
    // Losing a gateway afterwards is a warning.
    await platform.markReady('calm', VOICE, 1);
    await until('Degraded', async () => (await platform.condition('calm', 'Degraded'))?.status === 'True');
  });

  test('a name of no catalogue in a filter is a warning with what was meant, also of a new resource', async () => {
    await platform.create('typo', { ...MINIMAL_SPEC, ...own, filters: { events: ['CHANNEL_ANSWERED', 'DTMF'] } });
    await until('a warning', async () =>
      (await platform.events()).some(
        ({ type, message }) => type === 'Warning' && /CHANNEL_ANSWERED \(did you mean CHANNEL_ANSWER\?\)/.test(message),
      ),
    );
    await platform.patch('typo', { spec: { filters: { events: ['CHANNEL_ANSWER'] } } });
    await until('no warning', async () => (await platform.condition('typo', 'UnknownEventNames')) === undefined);
  });
});
