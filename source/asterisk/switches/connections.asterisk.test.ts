import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ASTERISK_USERS } from '../../../testing/asterisk/configuration.ts';
import { makeCertificates } from '../../../testing/certificates.ts';
import { startTcpProxy } from '../../../testing/tcp-proxy.ts';
import { until } from '../../../testing/until.ts';
import { SwitchFault, type SwitchConnection } from '../../switch.ts';
import { assertWholeLegs } from '../../testing/whole-legs.ts';
import { hear, setStage, stateOf, type AsteriskInterface, type Stage } from '../testing/stage.ts';
import { createAmiSwitch } from './ami-switch.ts';
import { createAriSwitch } from './ari-switch.ts';
import type { AriEndpoint } from './ari-request.ts';

const KINDS = ['AMI', 'ARI'] as const satisfies readonly AsteriskInterface[];
const LIMIT = { timeout: 110_000 };
const NEVER = new AbortController().signal;
const LIMITS = { stepMs: 15_000, beatMs: 500 };
const NOBODY = { username: 'nobody', password: 'nobody-secret-1' };

let stage: Stage;

before(async () => {
  stage = await setStage();
});
after(() => stage[Symbol.asyncDispose]());

async function faultOf(kind: AsteriskInterface, more: Partial<AriEndpoint>): Promise<string> {
  try {
    const connection = await stage.open(kind, hear(kind), { limits: LIMITS, ...more });
    await connection[Symbol.asyncDispose]();
  } catch (error) {
    assert.ok(error instanceof SwitchFault, String(error));
    assert.doesNotMatch(`${error.stack} ${JSON.stringify(error)}`, /secret|Basic /, 'S12: no credential in an error');
    return error.code;
  }
  assert.fail('it was opened');
}

/** Whether it comes before a timer of this process that is several times as long as its limits. */
async function comesInTime(what: Promise<unknown>, limitMs = 5_000): Promise<boolean> {
  const stop = new AbortController();
  const late = delay(limitMs, 'late', { signal: stop.signal }).catch(() => 'stopped');
  const first = await Promise.race([what, late]);
  stop.abort();
  return first !== 'late';
}

/** `live`, or why the connection was lost. */
function stateNow({ lost }: SwitchConnection): Promise<string> {
  return Promise.race([lost, Promise.resolve('live')]);
}

/** An answered call and a ringing one: four legs. */
async function twoCalls(on: Stage) {
  const phones = [await on.phone('1001'), await on.phone('1002'), await on.phone('1003'), await on.phone('1004')];
  const [alice, bob, carol, dave] = phones;
  assert.ok(alice !== undefined && bob !== undefined && carol !== undefined && dave !== undefined);
  const up = alice.call('1002');
  (await bob.called()).answer();
  await stateOf(up, 'up');
  const ringing = carol.call('1004');
  (await dave.called()).ring();
  await stateOf(ringing, 'ringing');
  return phones;
}

test('a connection tells the version, and one instance as long as Asterisk runs', LIMIT, async () => {
  for (const kind of KINDS) {
    await using first = await stage.open(kind, hear(kind));
    await using second = await stage.open(kind, hear(kind), { application: 'firehose-pbx-1' });
    assert.equal(first.version, stage.asterisk.version);
    assert.notEqual(first.instance, '');
    assert.equal(second.instance, first.instance, kind);
    assert.equal(first.degraded, null);
    assert.ok(first.heardAt >= first.since - 1_000 && Math.abs(Date.now() - first.since) < 10_000);
  }
});

test('a listing of live calls begins what another listener knows, and nothing else', LIMIT, async () => {
  for (const kind of KINDS) {
    const known = hear(kind);
    await using first = await stage.open(kind, known);
    const phones = await twoCalls(stage);
    await until('four legs live', () => known.mapper.liveLegs().length === 4);
    const late = hear(kind);
    await using second = await stage.open(kind, late, { application: 'firehose-pbx-1' });
    const now = Date.now();
    const adopted = late.mapper.adopt(await second.listing(NEVER), { from: now - 1_000, to: now, restarted: false });
    assert.deepEqual(late.mapper.liveLegs().toSorted(), known.mapper.liveLegs().toSorted());
    const names = adopted.map(({ name }) => name).toSorted();
    const creates = Array.from({ length: 4 }, () => 'CHANNEL_CREATE');
    assert.deepEqual(names, ['CHANNEL_ANSWER', 'CHANNEL_ANSWER', 'CHANNEL_BRIDGE', ...creates]);
    assert.deepEqual(new Set(adopted.map(({ account }) => account)), new Set(['acme']));
    for (const phone of phones) phone.hangUp();
    await until('all have ended', () => late.mapper.liveLegs().length === 0);
    assertWholeLegs([...adopted, ...late.mapped], [], kind);
    assert.equal(await stateNow(first), 'live');
  }
});

test(
  'S12: a wrong user, password, authority or name of the certificate has its reason, and no error a secret',
  LIMIT,
  async () => {
    await using others = await makeCertificates();
    const ca = await readFile(others.caFile);
    for (const kind of KINDS) {
      assert.equal(await faultOf(kind, NOBODY), 'Credentials', kind);
      assert.equal(await faultOf(kind, { password: 'another-secret' }), 'Credentials', kind);
      assert.equal(await faultOf(kind, { tls: { ca } }), 'TLS', kind);
      assert.equal(await faultOf(kind, { tls: {} }), 'TLS', 'a private authority is not trusted by itself');
      assert.equal(await faultOf(kind, { host: '127.0.0.1' }), 'TLS', 'the certificate has another name');
      assert.equal(await faultOf(kind, { policy: { allowLoopback: false } }), 'AccessRefused', kind);
    }
  },
);

test('what is no AMI, no ARI or not there has its reason', LIMIT, async () => {
  const { ami, http, https, sip } = stage.asterisk.ports;
  assert.equal(await faultOf('AMI', { port: ami }), 'TLS', 'no TLS at this port');
  assert.equal(await faultOf('ARI', { port: http }), 'TLS');
  assert.equal(
    await faultOf('AMI', { port: https, limits: { stepMs: 500, beatMs: 500 } }),
    'Silent',
    'HTTP greets nobody',
  );
  await using other = createServer((_request, response) => response.writeHead(404).end()).listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  assert.equal(await faultOf('ARI', { port, tls: null }), 'Protocol', 'HTTP without ARI');
  await using proxy = await startTcpProxy(sip);
  assert.equal(await faultOf('AMI', { port: proxy.port, tls: null }), 'Unreachable', 'nobody is behind it');
  assert.equal(await faultOf('ARI', { port: proxy.port, tls: null }), 'Unreachable');
});

test('a user of AMI without write = reporting is refused', LIMIT, async () => {
  assert.equal(await faultOf('AMI', ASTERISK_USERS.powerless), 'AccessRefused');
});

test('a user of AMI without read = call is found out by a channel that began and was not told', LIMIT, async () => {
  const deaf = hear('AMI');
  await using connection = await stage.open('AMI', deaf, { ...ASTERISK_USERS.deaf, limits: LIMITS });
  await until('it has listened for two seconds', () => connection.heardAt > connection.since + 2_000);
  const alice = await stage.phone('1001');
  await stateOf(alice.call('620'), 'up');
  assert.equal(await connection.lost, 'AccessRefused');
  assert.deepEqual(deaf.raw, []);
  alice.hangUp();
});

test('without timestampevents the connection is degraded from the first event on', LIMIT, async () => {
  await using other = await setStage({ timestampEvents: false });
  const heard = hear('AMI');
  await using connection = await other.open('AMI', heard);
  const alice = await other.phone('1001');
  const call = alice.call('620');
  await stateOf(call, 'up');
  await until('an event has come', () => heard.raw.length > 0);
  assert.equal(connection.degraded, 'TimestampsOff');
  call.hangUp();
  await until('the call has ended', () => heard.mapper.liveLegs().length === 0);
  assertWholeLegs(heard.mapped, [], 'without times');
});

test('a half-open network is Silent within the two limits, and another connection is open at once', LIMIT, async () => {
  for (const kind of KINDS) {
    const { amiTls, https } = stage.asterisk.ports;
    await using proxy = await startTcpProxy(kind === 'AMI' ? amiTls : https);
    const limits = { stepMs: 1_000, beatMs: 500 };
    await using connection = await stage.open(kind, hear(kind), { port: proxy.port, limits });
    await until('it was heard after it was opened', () => connection.heardAt > connection.since + 700);
    const cutAt = performance.now();
    proxy.blackHole(true);
    assert.ok(await comesInTime(connection.lost), kind);
    assert.equal(await connection.lost, 'Silent');
    const waited = performance.now() - cutAt;
    assert.ok(waited > 700, `${kind}: ${Math.round(waited)} ms`);
    await assert.rejects(connection.listing(NEVER), { name: 'SwitchFault' });
    proxy.blackHole(false);
    await using again = await stage.open(kind, hear(kind), { port: proxy.port, limits });
    assert.equal(again.instance, connection.instance);
  }
});

test('a switch that accepts and says nothing more ends each step by its limit', LIMIT, async () => {
  for (const kind of KINDS) {
    const { amiTls, https } = stage.asterisk.ports;
    await using proxy = await startTcpProxy(kind === 'AMI' ? amiTls : https);
    proxy.blackHole(true);
    const fault = faultOf(kind, { port: proxy.port, limits: { stepMs: 500, beatMs: 500 } });
    assert.ok(await comesInTime(fault), kind);
    const code = await fault;
    assert.ok(code === 'Silent' || code === 'Unreachable', code);
  }
});

test('an open that is aborted ends with the reason of the signal, and leaves no connection', LIMIT, async () => {
  for (const kind of KINDS) {
    const { amiTls, https } = stage.asterisk.ports;
    await using proxy = await startTcpProxy(kind === 'AMI' ? amiTls : https);
    proxy.blackHole(true);
    const wanted = await stage.endpoint(kind, { port: proxy.port });
    const stop = new AbortController();
    const created = kind === 'AMI' ? createAmiSwitch(wanted) : createAriSwitch(wanted);
    const opening = created.open(hear(kind), stop.signal);
    stop.abort(new Error('stopped by the test'));
    await assert.rejects(opening, /stopped by the test/);
    await assert.rejects(created.open(hear(kind), stop.signal), /stopped by the test/);
  }
});

test(
  'an ARI application that another connection takes is Replaced; under its own name it listens again',
  LIMIT,
  async () => {
    const first = hear('ARI');
    await using one = await stage.open('ARI', first);
    await using thief = await stage.open('ARI', hear('ARI'));
    assert.equal(await one.lost, 'Replaced');
    await using own = await stage.open('ARI', first, { application: 'firehose-pbx-9' });
    const alice = await stage.phone('1001');
    const call = alice.call('620');
    await stateOf(call, 'up');
    call.hangUp();
    await until('the call was told', () => first.mapped.some(({ name }) => name === 'CHANNEL_DESTROY'));
    for (const connection of [thief, own]) assert.equal(await stateNow(connection), 'live');
  },
);

test('S7: a listener that is slow for a while is read on, and never cut', LIMIT, async () => {
  const heard = { AMI: hear('AMI'), ARI: hear('ARI') };
  await using ami = await stage.open('AMI', heard.AMI);
  await using ari = await stage.open('ARI', heard.ARI);
  const alice = await stage.phone('1001');
  for (let round = 0; round < 6; round += 1) {
    const calls = Array.from({ length: 50 }, () => alice.call('620'));
    for (const call of calls) await stateOf(call, 'up');
    for (const call of calls) call.hangUp();
    // Nothing is read in the meantime.
    const busyUntil = performance.now() + 300;
    while (performance.now() < busyUntil);
  }
  for (const kind of KINDS) {
    const { mapped } = heard[kind];
    const ends = () => mapped.filter(({ name }) => name === 'CHANNEL_DESTROY').length;
    await until(`300 calls have ended (${kind})`, ends, { holds: (count) => count === 300 });
    assertWholeLegs(mapped, [], kind);
  }
  for (const connection of [ami, ari]) assert.equal(await stateNow(connection), 'live');
});

test(
  'kill -9 of Asterisk: the connection is lost, the instance is another, and a listing ends every leg as restarted',
  LIMIT,
  async () => {
    await using own = await setStage();
    const heard = { AMI: hear('AMI'), ARI: hear('ARI') };
    const before = { AMI: await own.open('AMI', heard.AMI), ARI: await own.open('ARI', heard.ARI) };
    await twoCalls(own);
    for (const kind of KINDS) await until('four legs live', () => heard[kind].mapper.liveLegs().length === 4);
    const from = Date.now();
    await own.asterisk.kill();
    for (const kind of KINDS) assert.equal(await before[kind].lost, 'Unreachable');
    // AMI tells the start of an instance in whole seconds.
    await until('another second', () => Math.floor(Date.now() / 1_000) > Math.floor(from / 1_000));
    assert.equal(await faultCode(own, 'AMI'), 'Unreachable');
    assert.equal(await faultCode(own, 'ARI'), 'Unreachable');
    await own.asterisk.start();
    for (const kind of KINDS) {
      const { mapper, mapped } = heard[kind];
      await using again = await own.open(kind, heard[kind]);
      assert.notEqual(again.instance, before[kind].instance);
      const listing = await again.listing(NEVER);
      assert.deepEqual(listing, []);
      const adopted = mapper.adopt(listing, { from, to: Date.now(), restarted: true });
      assert.deepEqual(
        adopted.map(({ name }) => name),
        Array.from({ length: 4 }, () => 'CHANNEL_DESTROY'),
      );
      for (const { json, synthetic } of adopted) {
        assert.equal(synthetic, 'switch_restarted');
        assert.equal((JSON.parse(json) as Record<string, unknown>)['Hangup-Cause'], 'CRASH');
      }
      assert.deepEqual(mapper.liveLegs(), []);
      assertWholeLegs([...mapped, ...adopted], [], kind);
    }
  },
);

async function faultCode(on: Stage, kind: AsteriskInterface): Promise<unknown> {
  return on.open(kind, hear(kind)).then(
    () => 'open',
    (error: unknown) => (error instanceof SwitchFault ? error.code : error),
  );
}
