import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { after, before, describe, test } from 'node:test';
import type { Operator } from './build.ts';
import { startFaultProxy, type Fault, type FaultProxy, type PassingRequest } from './testing/fault-proxy.ts';
import { deploymentPath, startPlatform, SYSTEM, VOICE, type Platform } from './testing/platform.ts';
import { runOperator, SHORT_LEASE } from './testing/run-operator.ts';
import { until } from '../testing/until.ts';

const PROGRAM = fileURLToPath(new URL('../cli/firehose.ts', import.meta.url));

describe('an API server that fails', () => {
  let platform: Platform;
  let proxy: FaultProxy;
  let operator: Operator;
  let file: string;
  let port = 10_000;
  before(async () => {
    platform = await startPlatform();
    await platform.secrets(VOICE);
    proxy = await startFaultProxy(platform.plane);
    file = await platform.operatorKubeconfig(proxy.server);
    operator = await runOperator(platform, {
      kubeconfig: file,
      timings: { informer: { silenceMs: 3_000, maxBackoffMs: 500 } },
    });
    await platform.create('acme');
    await until('a Deployment', () => platform.get(deploymentPath('acme')));
  });
  after(async () => {
    await operator[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
    await platform[Symbol.asyncDispose]();
  });

  /** A change that the operator must carry out, however it receives it. */
  const change = async () => {
    port += 1;
    await platform.patch('acme', { spec: { gateway: { service: { port } } } });
    return port;
  };
  const isCarriedOver = (wanted: number) =>
    until(`port ${wanted}`, async () => {
      const service = await platform.get(`/api/v1/namespaces/${VOICE}/services/acme`);
      const { observedGeneration } = await platform.status('acme');
      const generation = (await platform.fhs('acme'))?.metadata.generation;
      return JSON.stringify(service?.['spec']).includes(`"port":${wanted}`) && observedGeneration === generation;
    });
  /** Makes a change while every second request gets the fault, at least one. */
  const under = async (fault: Fault) => {
    let [count, met] = [0, 0];
    proxy.judge = ({ path }) => {
      if (path.includes('/leases') || count++ % 2 === 1) return null;
      met += 1;
      return fault;
    };
    try {
      const wanted = await change();
      await until(`a ${fault.kind}`, async () => met > 0);
      await delay(300);
      return wanted;
    } finally {
      proxy.judge = () => null;
    }
  };

  test('too many requests, errors, delays, conflicts and cut answers are survived, one in two', async () => {
    const faults: Fault[] = [
      { kind: 'answer', status: 429, retryAfterS: 1 },
      { kind: 'answer', status: 500 },
      { kind: 'answer', status: 503 },
      { kind: 'answer', status: 409 },
      { kind: 'delay', ms: 300 },
      { kind: 'truncate' },
      { kind: 'cut' },
    ];
    for (const fault of faults) {
      await isCarriedOver(await under(fault));
      proxy.cutAll();
    }
    assert.ok(operator.isLeader);
  });

  test('a renewal of the lease whose answer is lost is no loss of the lease', async () => {
    let lost = 0;
    proxy.judge = ({ path, method }) => {
      if (method !== 'PUT' || !path.includes('/leases') || lost > 0) return null;
      lost += 1;
      return { kind: 'truncate' };
    };
    const renewals = () => proxy.requests.filter(({ method, path }) => method === 'PUT' && path.includes('/leases'));
    await until('an answer lost', async () => lost > 0);
    const before = renewals().length;
    // The repeated request finds its own change; later ones do not.
    await until('renewals that go on', async () => renewals().length >= before + 3);
    proxy.judge = () => null;
    await isCarriedOver(await change());
    assert.ok(operator.isLeader);
  });

  test('a watch that goes silent is given up, and what it missed is made up for', async () => {
    proxy.judge = ({ isWatch }) => (isWatch ? { kind: 'silence' } : null);
    const before = proxy.requests.length;
    proxy.cutAll();
    const isSilenced = ({ isWatch, path }: PassingRequest) => isWatch && path.endsWith('/firehosesubscriptions');
    await until('a silent watch', async () => proxy.requests.slice(before).some(isSilenced));
    const isListed = ({ isWatch, path }: PassingRequest) => !isWatch && path.endsWith('/firehosesubscriptions');
    const lists = () => proxy.requests.filter(isListed).length;
    const listed = lists();
    const wanted = await change();
    await delay(1_000);
    const service = await platform.get(`/api/v1/namespaces/${VOICE}/services/acme`);
    // A slow machine may have given the watch up, and listed anew, by then.
    if (lists() === listed) assert.doesNotMatch(JSON.stringify(service?.['spec']), new RegExp(`"port":${wanted}\\b`));
    proxy.judge = () => null;
    await isCarriedOver(wanted);
  });

  test('an API server away for three seconds ends nobody', async () => {
    await platform.plane.apiServer.kill();
    await delay(3_000);
    await platform.plane.apiServer.restart();
    await isCarriedOver(await change());
    assert.ok(operator.isLeader);
  });

  test('a history that is compacted is listed anew', async () => {
    proxy.judge = ({ path }) => (path.includes('/leases') ? null : { kind: 'cut' });
    proxy.cutAll();
    const wanted = await change();
    for (let index = 0; index < 5; index += 1) {
      await platform.patch('acme', { metadata: { labels: { flip: String(index) } } });
    }
    const post = (path: string, body: object) =>
      fetch(`${platform.plane.etcdUrl}${path}`, { method: 'POST', body: JSON.stringify(body) });
    const range = (await (await post('/v3/kv/range', { key: 'AA==' })).json()) as { header: { revision: string } };
    assert.ok((await post('/v3/kv/compaction', { revision: range.header.revision, physical: true })).ok);
    // Its cache of events is lost with it: no request for older events is possible.
    await platform.plane.apiServer.restart();
    const before = proxy.expired.length;
    proxy.judge = () => null;
    await isCarriedOver(wanted);
    const expired = proxy.expired.slice(before);
    assert.ok(
      expired.some((path) => path.endsWith('/firehosesubscriptions')),
      `no 410 was seen: ${expired.join(', ')}`,
    );
  });

  test('away for longer than the lease it ends, and the next one catches up', async () => {
    await operator[Symbol.asyncDispose]();
    operator = await runOperator(platform, { kubeconfig: file, timings: { lease: SHORT_LEASE } });
    await until('it leads', async () => operator.isLeader);
    const ended = assert.rejects(operator.ended, { code: 'leadership_lost' });
    await platform.plane.apiServer.kill();
    await ended;
    await platform.plane.apiServer.restart();
    const wanted = await change();
    await operator[Symbol.asyncDispose]();
    operator = await runOperator(platform, { kubeconfig: file });
    await isCarriedOver(wanted);
  });

  test('an operator that sleeps past its lease writes nothing when it wakes, and ends', async () => {
    await operator[Symbol.asyncDispose]();
    const sleeperFile = await platform.operatorKubeconfig(proxy.server);
    const sleeper = spawn(process.execPath, [PROGRAM, 'operator'], {
      stdio: 'ignore',
      env: {
        ...process.env,
        KUBECONFIG: sleeperFile,
        FIREHOSE_GATEWAY_IMAGE: 'registry.example.com/firehose:sleeper',
        FIREHOSE_WATCH_NAMESPACES: '*',
        FIREHOSE_NAMESPACE: SYSTEM,
        FIREHOSE_OPERATOR_HOST: '127.0.0.1',
        FIREHOSE_OPERATOR_PORT: '0',
        FIREHOSE_IDENTITY: 'sleeper',
        FIREHOSE_WORKERS: '2',
      },
    });
    const exited = once(sleeper, 'exit') as Promise<[number | null]>;
    const imageOf = async () => JSON.stringify(await platform.get(deploymentPath('acme')));
    await until('the sleeper leads', async () => (await imageOf()).includes('firehose:sleeper'));
    // It is paused during its work: each of its workers waits for an answer, and has more to write afterwards.
    const answers = Promise.withResolvers<void>();
    const held = new Set<string>();
    proxy.judge = ({ path, isWrite }) => {
      const busy = isWrite ? /\/firehosesubscriptions\/(busy-\d)$/.exec(path)?.[1] : undefined;
      if (busy === undefined) return null;
      held.add(busy);
      return { kind: 'hold', until: answers.promise };
    };
    for (let index = 0; index < 5; index += 1) await platform.create(`busy-${index}`);
    await until('every worker waits', async () => held.size === 2);
    sleeper.kill('SIGSTOP');
    answers.resolve();
    proxy.judge = () => null;
    await change();
    operator = await runOperator(platform);
    await until('the next one leads', async () => (await imageOf()).includes('firehose:test'));
    const before = proxy.requests.length;
    sleeper.kill('SIGCONT');
    const [code] = await exited;
    assert.equal(code, 1);
    assert.deepEqual(
      proxy.requests.slice(before).filter(({ isWrite }) => isWrite),
      [],
    );
    assert.match(await imageOf(), /firehose:test/);
  });
});
