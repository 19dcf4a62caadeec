import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Operator } from './build.ts';
import { OWN_RULES, WATCHED_RULES } from './role.ts';
import { ASKED_BY_ADMISSION } from './testing/admission.ts';
import { operatorRequests } from './testing/audit.ts';
import { installForeignKinds } from './testing/foreign-kinds.ts';
import { startPlatform, VOICE, type Platform } from './testing/platform.ts';
import { MINIMAL_SPEC } from './testing/resources.ts';
import { ASTERISK_SPEC } from './testing/sources.ts';
import { sourcesOf } from './testing/sources-platform.ts';
import { ALLOW_ALL, runOperator } from './testing/run-operator.ts';
import { until } from '../testing/until.ts';

const HOST = 'firehose.example.com';
const BALANCED = {
  ...MINIMAL_SPEC,
  gateway: { autoscaling: { minReplicas: 1, maxReplicas: 2 }, ingress: { className: 'nginx', host: HOST } },
};
const ROUTED = {
  ...MINIMAL_SPEC,
  gateway: {
    route: { parentRefs: [{ name: 'edge' }], hostnames: [HOST] },
    tls: { issuerRef: { name: 'letsencrypt' } },
  },
};

/** A source that switches connect to, and which connects itself later. */
const OUTBOUND = {
  ...ASTERISK_SPEC,
  asterisk: {
    endpoints: [{ name: 'pbx1', interface: 'ARIOutbound', credentialsSecretRef: { name: 'ami' } }],
    listen: {},
  },
};

const WANTED_AT_TIMES = ['networkpolicies', 'ingresses', 'httproutes', 'certificates', 'horizontalpodautoscalers'];

const GRANTED = [...WATCHED_RULES, ...OWN_RULES].flatMap(({ resources, verbs }) =>
  resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
);

const isOfAdmission = (unused: readonly string[]) => unused.join() === ASKED_BY_ADMISSION.join();

describe('of what the role grants', () => {
  let platform: Platform;
  before(async () => {
    platform = await startPlatform();
    await installForeignKinds(platform.plane);
    await platform.secrets(VOICE);
  });
  after(() => platform[Symbol.asyncDispose]());

  const run = (serviceMonitors: boolean): Promise<Operator> =>
    runOperator(platform, {
      environment: { ...ALLOW_ALL, FIREHOSE_SERVICE_MONITORS: String(serviceMonitors), FIREHOSE_RESYNC_SECONDS: '2' },
    });

  /** Each as `verb resource/subresource`; an apply that creates its object also needs the verb `create`. */
  async function asked(verb?: string): Promise<ReadonlySet<string>> {
    const requests = (await operatorRequests(platform.plane)).filter(({ resource }) => resource !== '');
    const words = requests.flatMap((one) => {
      const what = `${one.resource}${one.subresource === '' ? '' : `/${one.subresource}`}`;
      return [`${one.verb} ${what}`, ...(one.verb === 'patch' && one.code === 201 ? [`create ${what}`] : [])];
    });
    return new Set(words.filter((word) => verb === undefined || word.startsWith(`${verb} `)));
  }

  const every = async (verb: string, resources: readonly string[]) => {
    const wanted = new Set(resources.map((resource) => `${verb} ${resource}`));
    await until([...wanted].join(), async () => wanted.isSubsetOf(await asked(verb)), { limitMs: 60_000 });
  };

  test('every verb is used in the life of two resources and a source, and nothing else is asked for', async () => {
    const sources = sourcesOf(platform);
    await sources.secret('ami', { username: 'firehose', password: 'x' });
    {
      await using _ = await run(true);
      await platform.create('balanced', BALANCED);
      await platform.create('routed', ROUTED);
      await sources.create('pbx', OUTBOUND);
      await until('an event', async () => (await platform.events()).length > 0, { limitMs: 60_000 });
      await every('create', [...WANTED_AT_TIMES, 'servicemonitors']);
      const nothing = { networkPolicy: { enabled: false }, ingress: null, route: null, autoscaling: null };
      for (const name of ['balanced', 'routed'])
        await platform.patch(name, { spec: { gateway: { ...nothing, tls: null } } });
      await until('the listener', () => platform.get(`/api/v1/namespaces/${VOICE}/services/pbx-source-listen`));
      await sources.patch('pbx', { spec: { asterisk: { endpoints: ASTERISK_SPEC.asterisk.endpoints, listen: null } } });
      await every('delete', [...WANTED_AT_TIMES, 'services']);
    }
    await using _ = await run(false);
    await every('delete', ['servicemonitors']);
    for (const name of ['fhs/balanced', 'fhs/routed', 'fhsrc/pbx'])
      await platform.plane.kubectl(['delete', '-n', VOICE, name]);
    const unused = async () => {
      const used = await asked();
      return GRANTED.filter((word) => !used.has(word));
    };
    await until('every verb in the audit log', unused, { holds: isOfAdmission });
    const used = await asked();
    assert.deepEqual(
      [...used].filter((word) => !GRANTED.includes(word)),
      [],
    );
  });
});
