import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { makeCertificates } from '../../../testing/certificates.ts';
import { until } from '../../../testing/until.ts';
import { silentLogger } from '../../../runtime/logging/logger.ts';
import { SwitchFault, type KeptMark, type Switch } from '../../switch.ts';
import { assertWholeLegs } from '../../testing/whole-legs.ts';
import { hear, setStage, stateOf, type Stage } from '../testing/stage.ts';
import { startAriListener, type AriListener } from './ari-listener.ts';

const LIMIT = { timeout: 110_000 };
const NEVER = new AbortController().signal;
const LOGIN = { name: 'pbx1', username: 'asterisk', password: 'outbound-secret-1' };
const LIMITS = { stepMs: 5_000, beatMs: 1_000, awaitMs: 60_000 };

interface OutboundStage extends AsyncDisposable {
  readonly stage: Stage;
  readonly listener: AriListener;
  readonly pbx1: Switch;
  /** The mark of the previous connection. */
  mark: KeptMark | null;
  /** Whether Redis can return the mark. */
  isKnown: boolean;
  readonly asked: () => number;
  readonly ca: Buffer;
}

/** An Asterisk that connects to this listener by TLS with the given password. */
async function setOutboundStage(password = LOGIN.password, limits = LIMITS): Promise<OutboundStage> {
  const stack = new AsyncDisposableStack();
  const certificates = stack.use(await makeCertificates());
  const [cert, key] = [await readFile(certificates.certFile), await readFile(certificates.keyFile)];
  let asked = 0;
  const claim = () => {
    const { mark, isKnown } = made;
    asked += 1;
    if (!isKnown) return Promise.reject(new Error('Redis is away'));
    made.mark = null;
    return Promise.resolve(mark);
  };
  const options = {
    host: '127.0.0.1',
    port: 0,
    tls: { cert, key },
    claim,
    logger: silentLogger,
    now: Date.now,
    limits,
  };
  const listener = stack.use(await startAriListener(options));
  const pbx1 = listener.admit(LOGIN);
  const uri = `wss://localhost:${listener.port}/pbx1`;
  const outbound = { uri, application: 'firehose', username: LOGIN.username, password };
  const stage = stack.use(await setStage({ tls: certificates, outbound }));
  const ca = await readFile(certificates.caFile);
  const made: OutboundStage = {
    stage,
    listener,
    pbx1,
    mark: null,
    isKnown: true,
    asked: () => asked,
    ca,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
  return made;
}

/** From the start to the end of a tone. */
async function callBetween(stage: Stage): Promise<void> {
  const [alice, bob] = [await stage.phone('1001'), await stage.phone('1002')];
  const call = alice.call('1002');
  const leg = await bob.called();
  leg.answer();
  await stateOf(call, 'up');
  call.hangUp();
  await stateOf(leg, 'ended');
}

async function faultOf(opening: Promise<unknown>): Promise<{ code: string; text: string }> {
  try {
    await opening;
  } catch (error) {
    assert.ok(error instanceof SwitchFault, String(error));
    return { code: error.code, text: `${error.stack}` };
  }
  assert.fail('it was opened');
}

test('an Asterisk that connects by itself tells calls, its legs, its version and its start time', LIMIT, async () => {
  await using outbound = await setOutboundStage();
  const { stage, pbx1 } = outbound;
  const heard = hear('ARI');
  await using connection = await pbx1.open(heard, NEVER);
  assert.equal(connection.version, stage.asterisk.version);
  assert.match(connection.instance, /^\d{4}-\d{2}-\d{2}T/);
  const [alice, bob] = [await stage.phone('1001'), await stage.phone('1002')];
  const call = alice.call('1002');
  (await bob.called()).answer();
  await stateOf(call, 'up');
  const live = await until('both legs are listed', () => connection.listing(NEVER), {
    holds: (legs) => legs.length === 2,
  });
  assert.deepEqual(new Set(live.map(({ id }) => `${id}@pbx1`)), new Set(heard.mapper.liveLegs()));
  call.hangUp();
  await until('the call has ended', () => heard.mapper.liveLegs().length === 0);
  assertWholeLegs(heard.mapped, [], 'outbound');
});

test('Asterisk keeps what happens while nobody listens, and the connection says so', LIMIT, async () => {
  await using outbound = await setOutboundStage();
  const { stage, pbx1 } = outbound;
  const heard = hear('ARI');
  const first = await pbx1.open(heard, NEVER);
  assert.deepEqual(first.keeping, { since: null, isClosed: false });
  await first[Symbol.asyncDispose]();
  assert.equal(first.keeping?.isClosed, true);
  outbound.mark = { instance: first.instance, until: 1_234 };
  for (let calls = 0; calls < 3; calls += 1) await callBetween(stage);
  assert.equal(heard.mapped.length, 0);
  await using second = await pbx1.open(heard, NEVER);
  assert.equal(second.instance, first.instance);
  assert.equal(second.keeping?.since, 1_234);
  assert.equal(outbound.mark, null, 'no other connection counts on it');
  await until('six legs have ended', () => heard.mapped.filter(({ name }) => name === 'CHANNEL_DESTROY').length === 6);
  assertWholeLegs(heard.mapped, [], 'kept');
  assert.deepEqual(
    heard.mapped.filter(({ synthetic }) => synthetic !== null),
    [],
  );
});

test('what a connection that broke had not delivered may be lost', LIMIT, async () => {
  await using outbound = await setOutboundStage();
  const { stage, pbx1 } = outbound;
  const first = await pbx1.open(hear('ARI'), NEVER);
  await stage.asterisk.kill();
  assert.equal(await first.lost, 'Unreachable');
  await first[Symbol.asyncDispose]();
  assert.equal(first.keeping?.isClosed, false);
  await stage.asterisk.start();
  // While it starts, it connects but does not answer.
  const again = () => pbx1.open(hear('ARI'), NEVER).catch(() => null);
  await using second = await until('Asterisk has connected anew', again);
  assert.notEqual(second.instance, first.instance);
  assert.equal(second.keeping?.since, null);
});

test('a wrong password is refused, and named once the wait is over', LIMIT, async () => {
  await using outbound = await setOutboundStage('another-secret', { ...LIMITS, awaitMs: 4_000 });
  const { code, text } = await faultOf(outbound.pbx1.open(hear('ARI'), NEVER));
  assert.equal(code, 'Credentials');
  assert.doesNotMatch(text, /secret/, 'S12');
});

test('a stranger at the port gets nothing, and keeps nobody from being served', LIMIT, async () => {
  await using outbound = await setOutboundStage();
  const { listener, pbx1, ca } = outbound;
  const refusedAt = async (path: string, authorization: string) => {
    const socket = new WebSocket(`wss://localhost:${listener.port}${path}`, ['ari'], {
      ca,
      headers: { authorization },
    });
    return new Promise<unknown>((resolve) => socket.once('error', ({ message }) => resolve(message)));
  };
  const wrong = `Basic ${Buffer.from('asterisk:wrong').toString('base64')}`;
  assert.match(String(await refusedAt('/pbx1', wrong)), /401/);
  assert.match(String(await refusedAt('/pbx1', '')), /401/);
  assert.match(String(await refusedAt('/pbx2', wrong)), /404/);
  const status = await new Promise((resolve, reject) => {
    request({ host: 'localhost', port: listener.port, ca }, (response) => resolve(response.statusCode))
      .on('error', reject)
      .end();
  });
  assert.equal(status, 426);
  await using connection = await pbx1.open(hear('ARI'), NEVER);
  assert.match(String(await refusedAt('/pbx1', wrong)), /401/);
  assert.equal((await connection.listing(NEVER)).length, 0, 'the connection goes on');
});

test('a second connection with the right password takes the place of the first', LIMIT, async () => {
  await using outbound = await setOutboundStage();
  const { listener, pbx1, ca } = outbound;
  const first = await pbx1.open(hear('ARI'), NEVER);
  const authorization = `Basic ${Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString('base64')}`;
  const socket = new WebSocket(`wss://localhost:${listener.port}/pbx1`, ['ari'], { ca, headers: { authorization } });
  socket.on('error', () => undefined);
  assert.equal(await first.lost, 'Replaced');
  await using second = await pbx1.open(hear('ARI'), NEVER);
  assert.equal((await second.listing(NEVER)).length, 0, 'Asterisk is back');
});

test('Asterisk is not let in while it cannot be known what it has kept, and tries again', LIMIT, async () => {
  await using outbound = await setOutboundStage();
  outbound.isKnown = false;
  outbound.mark = { instance: 'another life', until: 1 };
  const opening = outbound.pbx1.open(hear('ARI'), NEVER);
  await until('it has tried twice', () => outbound.asked(), { holds: (times) => times >= 2 });
  assert.ok(outbound.mark, 'nobody has taken it');
  outbound.isKnown = true;
  await using connection = await opening;
  assert.equal(connection.keeping?.since, null, 'what an earlier life kept is gone');
});

test('an endpoint that is removed lets no Asterisk in', LIMIT, async () => {
  await using outbound = await setOutboundStage();
  const { listener, pbx1, ca } = outbound;
  await using first = await pbx1.open(hear('ARI'), NEVER);
  assert.equal((await first.listing(NEVER)).length, 0);
  listener.retain(new Set());
  const status = new Promise<unknown>((resolve) => {
    const socket = new WebSocket(`wss://localhost:${listener.port}/pbx1`, ['ari'], { ca });
    socket.once('error', ({ message }) => resolve(message));
  });
  assert.match(String(await status), /404/);
});
