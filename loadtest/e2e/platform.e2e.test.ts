import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { PASSWORD } from '../faults/setup.ts';
import { login } from './client.ts';
import type { Toll } from './fleet.ts';
import { CHART, NEXT_TAG, say, SYSTEM } from './installed.ts';
import { becomesReady, DRAIN_S, entranceOf, NAME, openPlatform, REPLICAS, VOICE, type Platform } from './platform.ts';
import { writePreviousChart } from './previous-chart.ts';
import { FULL, MINIMAL } from './resources.ts';

const CRD = 'firehosesubscriptions.firehose.dev';
const CLIENTS = Number(process.env['E2E_CLIENTS'] ?? 1_000);
const RATE = 40;
const SOUND = { lost: 0, doubled: 0, inverted: 0, foreign: 0 };

describe(`a platform on a real cluster, with ${CLIENTS} clients and ${RATE} events a second`, () => {
  let platform: Platform;

  before(async () => {
    platform = await openPlatform(CLIENTS, RATE);
  });

  after(async () => {
    await platform?.[Symbol.asyncDispose]();
  });

  /** Disturbs the platform under load, and accounts for every event of every call at every client. */
  async function underLoad(what: string, act: () => Promise<void>): Promise<Toll> {
    const { fleet, producer } = platform;
    const since = performance.now();
    const before = producer.total;
    await act();
    say(what, since);
    await fleet.allOpen();
    await producer.stop();
    const toll = await fleet.settle(producer, since);
    producer.start();
    const { ends, mostEnds, spread, failures } = toll;
    console.log(
      `    ${producer.total - before} events to ${CLIENTS} clients: ${JSON.stringify(toll.faults)}; ${ends} connections ended ` +
        `${JSON.stringify(toll.codes)}, at most ${mostEnds} a client, ${failures} refused; ` +
        `from the first tenth to the last ${(spread.middleMs / 1_000).toFixed(1)} s, ` +
        `${(spread.busiestSecond * 100).toFixed(0)} % in the busiest second`,
    );
    assert.deepEqual(toll.faults, SOUND);
    assert.equal(toll.told, 0, 'nobody was told of a gap');
    return toll;
  }

  test('I7: a rolling restart of all gateways loses nothing, each client comes back once, and they come spread', async () => {
    const before = await platform.gateways();
    assert.equal(before.length, REPLICAS);
    const toll = await underLoad('all gateways are replaced', async () => {
      await platform.installed.kubectl('-n', VOICE, 'rollout', 'restart', `deployment/${NAME}-gateway`);
      await platform.rolledOut();
    });
    const now = await platform.gateways();
    assert.equal(now.length, REPLICAS);
    assert.ok(now.every(({ uid }) => !before.some((old) => old.uid === uid)));
    assert.deepEqual([toll.ends, toll.mostEnds], [CLIENTS, 1]);
    assert.deepEqual(Object.keys(toll.codes), ['1012']);
    assert.ok(toll.spread.middleMs > DRAIN_S * 1_000 * 0.5, `${toll.spread.middleMs} ms`);
    assert.ok(toll.spread.busiestSecond < 0.25, `${toll.spread.busiestSecond}`);
  });

  test('I8: the operator killed, away and updated: no gateway restarts and no client notices', async () => {
    const { kubectl, helm } = platform.installed;
    const before = await platform.gateways();
    const toll = await underLoad('the operator was killed, away and updated', async () => {
      const operator = 'app.kubernetes.io/component=operator';
      await kubectl('-n', SYSTEM, 'delete', 'pods', '-l', operator, '--grace-period=0', '--force');
      await kubectl('-n', SYSTEM, 'scale', 'deployment/firehose-operator', '--replicas=0');
      await kubectl('-n', SYSTEM, 'wait', '--for=delete', 'pods', '-l', operator, '--timeout=60s');
      await delay(5_000);
      await helm(
        'upgrade',
        'firehose',
        CHART,
        '-n',
        SYSTEM,
        '--wait',
        '--reuse-values',
        '--set',
        `image.tag=${NEXT_TAG}`,
      );
      await kubectl('-n', VOICE, 'annotate', `fhs/${NAME}`, 'example.com/looked-at=again');
      await becomesReady(platform.installed, NAME);
    });
    assert.deepEqual(await platform.gateways(), before);
    assert.equal(toll.ends, 0);
  });

  test('scaled up and down by kubectl scale, nothing is lost', async () => {
    const { kubectl } = platform.installed;
    const toll = await underLoad('scaled to five, to two and back', async () => {
      for (const replicas of [REPLICAS + 2, REPLICAS - 1, REPLICAS]) {
        await kubectl('-n', VOICE, 'scale', `fhs/${NAME}`, `--replicas=${replicas}`);
        await kubectl(
          '-n',
          VOICE,
          'wait',
          `--for=jsonpath={.spec.replicas}=${replicas}`,
          `deployment/${NAME}-gateway`,
          '--timeout=60s',
        );
        await platform.rolledOut();
        assert.equal((await platform.gateways()).length, replicas);
      }
    });
    assert.equal(toll.mostEnds, 1);
    await becomesReady(platform.installed, NAME);
  });

  test('a node is drained as the PodDisruptionBudget allows, and nothing is lost', async () => {
    const { kubectl, cluster } = platform.installed;
    // All of them are on the drained one.
    await kubectl('cordon', 'node-2');
    await kubectl('-n', VOICE, 'rollout', 'restart', `deployment/${NAME}-gateway`);
    await platform.rolledOut();
    await kubectl('uncordon', 'node-2');
    assert.ok((await platform.gateways()).every(({ node }) => node === 'node-1'));
    let fewest = REPLICAS;
    const watching = new AbortController();
    const watch = (async () => {
      while (!watching.signal.aborted) {
        fewest = Math.min(fewest, (await platform.gateways()).filter(({ isReady }) => isReady).length);
        await delay(500);
      }
    })();
    const from = Date.now();
    await underLoad('a node is drained', async () => {
      const options = ['--ignore-daemonsets', '--delete-emptydir-data', '--timeout=300s'];
      await kubectl('drain', 'node-1', ...options);
      await platform.rolledOut();
    });
    watching.abort();
    await watch;
    assert.deepEqual([...new Set((await platform.gateways()).map(({ node }) => node))], ['node-2']);
    assert.ok(fewest >= REPLICAS - 1, `${fewest} gateways were ready at one time`);
    const evictions = (await cluster.plane.audit()).filter(
      ({ subresource, at }) => subresource === 'eviction' && at >= from,
    );
    const refused = evictions.filter(({ code }) => code === 429).length;
    console.log(
      `    ${evictions.length} evictions asked for, ${refused} refused; ${fewest} gateways were ready at least`,
    );
    assert.ok(refused > 0, 'more than one eviction at a time was asked for, and refused');
    await kubectl('uncordon', 'node-1');
  });

  test('back to the chart before and up again: the definition comes along, and nothing else happens', async () => {
    const { helm, kubectl, cluster } = platform.installed;
    const before = await platform.gateways();
    const previous = await writePreviousChart(cluster.folder);
    const to = (chart: string) => helm('upgrade', 'firehose', chart, '-n', SYSTEM, '--wait', '--reuse-values');
    const shortName = () => kubectl('get', 'crd', CRD, '-o', 'jsonpath={.spec.names.shortNames}');
    const toll = await underLoad('the chart before, and this one again', async () => {
      await to(previous);
      assert.equal(await shortName(), '');
      await to(CHART);
      assert.equal(await shortName(), '["fhs"]');
    });
    assert.deepEqual(await platform.gateways(), before);
    assert.equal(toll.ends, 0);
    await becomesReady(platform.installed, NAME);
  });

  test('a minimal and a full resource become Ready, serve, and go again', async () => {
    const { apply, kubectl } = platform.installed;
    const start = performance.now();
    await apply(MINIMAL, FULL);
    for (const { metadata } of [MINIMAL, FULL]) await becomesReady(platform.installed, metadata.name);
    say('both are Ready', start);
    for (const [name, port, domain] of [
      ['minimal', 9443, 'root'],
      ['full', 8443, 'north'],
    ] as const) {
      const { ca } = await entranceOf(platform.installed, name);
      const token = await login(
        { host: `${name}.${VOICE}.svc:${port}`, ca },
        { username: 'admin', password: PASSWORD, domain },
      );
      assert.match(token, /^eyJ/);
    }
    const policy = JSON.parse(
      await kubectl('-n', VOICE, 'get', 'networkpolicy/minimal-gateway', '-o', 'json'),
    ) as Policy;
    assert.deepEqual(policy.spec.policyTypes, ['Ingress']);
    const podsOf = async (labels: Record<string, string>) => {
      const selector = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
      return (await kubectl('-n', VOICE, 'get', 'pods', '-l', selector.join(','), '-o', 'name')).trim().split('\n');
    };
    const selected = await podsOf(policy.spec.podSelector.matchLabels);
    assert.ok(
      selected.length > 0 && selected.every((name) => name.startsWith('pod/minimal-gateway-')),
      selected.join(),
    );
    assert.deepEqual(policy.spec.ingress, [
      { ports: [{ protocol: 'TCP', port: 9443 }] },
      {
        from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': VOICE } } }],
        ports: [{ protocol: 'TCP', port: 9090 }],
      },
    ]);
    await kubectl('-n', VOICE, 'delete', 'fhs', 'minimal', 'full', '--timeout=120s');
    say('both are gone', start);
  });

  test('no request of the operator was refused', async () => {
    assert.deepEqual(await platform.installed.refusals(SYSTEM), []);
  });

  test('uninstalled with its resources, it leaves neither objects nor groups', async () => {
    const { helm, kubectl } = platform.installed;
    await platform.producer.stop();
    const values = ['--reuse-values', '--set', 'uninstall.subscriptions=Delete'];
    await helm('upgrade', 'firehose', CHART, '-n', SYSTEM, '--wait', ...values);
    const start = performance.now();
    await helm('uninstall', 'firehose', '-n', SYSTEM, '--wait', '--timeout=280s');
    say('uninstalled', start);
    const left = await kubectl('-n', VOICE, 'get', 'fhs,deploy,svc,pdb,netpol,cm,secret', '-o', 'name');
    assert.doesNotMatch(left, new RegExp(`/${NAME}(-gateway|-inner|-config|-tls|-signing-keys|-admin-token)?$`, 'm'));
    const redis = (...args: string[]) => kubectl('-n', VOICE, 'exec', 'deployment/redis', '--', 'redis-cli', ...args);
    const streams = (await redis('--scan', '--pattern', 'firehose:{*}:events')).trim().split('\n');
    assert.equal(streams.length, 4, 'the streams stay, as the resource says');
    for (const stream of streams) assert.equal((await redis('XINFO', 'GROUPS', stream)).trim(), '');
  });
});

interface Policy {
  readonly spec: {
    readonly podSelector: { readonly matchLabels: Record<string, string> };
    readonly policyTypes: readonly string[];
    readonly ingress: readonly object[];
  };
}
