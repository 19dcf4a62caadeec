import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { until } from '../../testing/until.ts';
import { mapCapture } from '../capture/map-capture.ts';
import type { MappedEvent, SwitchEvent } from '../mapper.ts';
import { defaultMappingOptions } from '../mapping-options.ts';
import { SwitchFault, type SwitchConnection, type SwitchListener } from '../switch.ts';
import { startTcpProxy } from '../../testing/tcp-proxy.ts';
import { mapAll, recording, recordings } from '../testing/recordings.ts';
import { createEslSwitch, type EslSwitchOptions } from './esl-switch.ts';
import { startFakeEventSocket, type FakeEventSocket, type FakeOptions } from './testing/fake-event-socket.ts';

const LIMIT = { timeout: 60_000 };
const NEVER = new AbortController().signal;
const CORE = '83ca7152-a6be-415f-97b7-8ff86e2d4846';
const SECRET = 'cluecon-of-nobody';
const HEARTBEAT = { 'Event-Name': 'HEARTBEAT', 'Core-UUID': CORE };
const api = (command: string) =>
  command === 'global_getvar core_uuid' ? CORE : command === 'version short' ? '1.11.3-dev' : null;

const folder = new URL('../fixtures/recordings/freeswitch-1.11/', import.meta.url);
const listings = (file: string) => readFileSync(new URL(`listings/${file}`, folder), 'utf8');

interface Heard extends SwitchListener {
  readonly events: SwitchEvent[];
  readonly wrong: string[];
}
function hear(onEvent: () => void = () => undefined): Heard {
  const [events, wrong] = [[] as SwitchEvent[], [] as string[]];
  return {
    events,
    wrong,
    event: (event) => {
      events.push(event);
      onEvent();
    },
    malformed: (what) => void wrong.push(what),
  };
}

function open(port: number, listener: SwitchListener, more: Partial<EslSwitchOptions> = {}): Promise<SwitchConnection> {
  const credentials = { password: 'ClueCon' };
  const options = { host: '127.0.0.1', port, credentials, park: 'Valet', policy: null, now: Date.now } as const;
  return createEslSwitch({ ...options, ...more }).open(listener, NEVER);
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

/** Differs only in the number of events without a subscription. */
const shown = (events: readonly MappedEvent[]) => events.map((event) => ({ ...event, position: '' }));

test('greets, logs in, subscribes, and tells instance and version', LIMIT, async () => {
  await using fake = await startFakeEventSocket({ api });
  await using connection = await open(fake.port, hear());
  assert.equal(connection.instance, CORE);
  assert.equal(connection.version, '1.11.3-dev');
  assert.equal(connection.degraded, null);
  assert.ok(Math.abs(Date.now() - connection.since) < 10_000);
  assert.ok(connection.heardAt >= connection.since);
  assert.equal(fake.commands[0], 'auth ClueCon');
  assert.equal(
    fake.commands[1],
    'event json CHANNEL_CREATE CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_ANSWER CHANNEL_BRIDGE CHANNEL_UNBRIDGE ' +
      'CHANNEL_HOLD CHANNEL_UNHOLD CHANNEL_DESTROY CALL_SECURE DTMF DETECTED_TONE RECORD_START RECORD_STOP CHANNEL_PARK ' +
      'CHANNEL_UNPARK HEARTBEAT CUSTOM valet_parking::info sofia::transferor sofia::transferee sofia::replaced ' +
      'sofia::intercepted loopback::direct loopback::bowout',
  );
});

test('subscribes to no more signs of parking than are mapped', LIMIT, async () => {
  await using fake = await startFakeEventSocket({ api });
  for (const park of ['Application', 'None'] as const) {
    await using _ = await open(fake.port, hear(), { park });
  }
  const [application = '', none = ''] = fake.commands.filter((line) => line.startsWith('event '));
  assert.match(application, / CHANNEL_PARK CHANNEL_UNPARK /);
  assert.doesNotMatch(application, /valet/);
  assert.doesNotMatch(none, /PARK|valet/);
});

test('a recording that comes through the socket becomes what `firehose source map` makes of it', LIMIT, async () => {
  for (const { name } of recordings().filter((one) => one.name.startsWith('freeswitch'))) {
    const { events, mapper } = recording(name);
    await using fake = await startFakeEventSocket({ api, events: events.map(({ event }) => event) });
    const heard = hear();
    await using _ = await open(fake.port, heard);
    const subscribed = new Set((fake.commands[1] ?? '').split(' '));
    const sent = events.filter(({ event }) =>
      subscribed.has(String(event['Event-Name'] === 'CUSTOM' ? event['Event-Subclass'] : event['Event-Name'])),
    );
    await until(`all events of ${name}`, () => heard.events.length === sent.length);
    const received = sent.map((one, index) => ({ ...one, event: heard.events[index] ?? {} }));
    const bytes = readFileSync(new URL(`../fixtures/recordings/${name}.ndjson`, import.meta.url));
    const options = { ...defaultMappingOptions(), kind: 'freeswitch', park: 'Valet', endpoint: 'fs1' } as const;
    const printed: MappedEvent[] = [];
    for await (const step of mapCapture(options, inOne(bytes))) if (step.kind !== 'fault') printed.push(...step.events);
    assert.deepEqual(shown(mapAll(mapper(), received)), shown(printed), name);
    assert.deepEqual(heard.wrong, []);
  }
});

async function* inOne(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

test('S11: every cut of what the socket sends gives the same events', LIMIT, async () => {
  const short = [
    { 'Event-Name': 'CHANNEL_CREATE', 'Unique-ID': 'a', variable_x: 'ä\n\n€' },
    { 'Event-Name': 'DTMF', 'Unique-ID': 'a' },
  ];
  const total = await lengthOf(short);
  for (let cut = 0; cut <= total; cut += 1) {
    assert.deepEqual(await throughCuts(short, () => [cut]), short, `cut at ${cut}`);
  }
  const long = recording('freeswitch-1.11/esl/wrong_number').events.map(({ event }) => event);
  for (let step = 997; step < 20_000; step = Math.floor(step * 1.7)) {
    const whole = await throughCuts(long, () => []);
    const every = (bytes: Buffer) =>
      Array.from({ length: Math.floor(bytes.length / step) }, (_, at) => (at + 1) * step);
    assert.deepEqual(await throughCuts(long, every), whole, `cut every ${step} bytes`);
  }
});

async function lengthOf(events: readonly SwitchEvent[]): Promise<number> {
  let length = 0;
  await throughCuts(events, (bytes) => {
    length = bytes.length;
    return [];
  });
  return length;
}

async function throughCuts(events: readonly SwitchEvent[], cuts: NonNullable<FakeOptions['cuts']>) {
  await using fake = await startFakeEventSocket({ api, cuts, events: [...events, HEARTBEAT] });
  const heard = hear();
  await using _ = await open(fake.port, heard);
  await until('the last event', () => heard.events.at(-1)?.['Event-Name'] === 'HEARTBEAT');
  return heard.events.slice(0, -1);
}

test('S12: a refused login has a reason, and no text tells the password or the user', LIMIT, async () => {
  await using fake = await startFakeEventSocket({ api, users: { 'firehose@pbx.example.com': SECRET } });
  const user = 'firehose@pbx.example.com';
  {
    await using connection = await open(fake.port, hear(), { credentials: { user, password: SECRET } });
    assert.equal(connection.instance, CORE);
  }
  const wrong = [
    { password: SECRET },
    { user, password: `${SECRET}-2` },
    { user: 'firehose', password: SECRET },
    { password: `${SECRET}\n\napi fsctl shutdown` },
    { user: 'firehose@pbx.example.com\n\n', password: SECRET },
    { password: '' },
  ];
  for (const credentials of wrong) {
    const { code, text } = await faultOf(open(fake.port, hear(), { credentials }));
    assert.equal(code, 'Credentials');
    assert.doesNotMatch(text, /cluecon-of-nobody|firehose@|pbx\.example/);
  }
  assert.ok(fake.commands.every((line) => !line.startsWith('api fsctl')));
});

test('what the switch refuses is told with what to change', LIMIT, async () => {
  const fault = async (options: FakeOptions, more: Partial<EslSwitchOptions> = {}) => {
    await using fake = await startFakeEventSocket({ api, ...options });
    return await faultOf(open(fake.port, hear(), more));
  };
  const rude = await fault({ isRude: true });
  assert.deepEqual([rude.code, /apply-inbound-acl/.test(rude.text)], ['AccessRefused', true]);
  const event = await fault({ deniedEvent: 'DTMF' });
  assert.deepEqual(
    [event.code, /esl-allowed-events must have CHANNEL_CREATE/.test(event.text)],
    ['AccessRefused', true],
  );
  const core = await fault({ denied: ['global_getvar'] }, { limits: { silent: 2_000 } });
  assert.equal(core.code, 'AccessRefused');
  const cut = await fault({ isLoginCut: true }, { limits: { step: 2_000 } });
  assert.deepEqual([cut.code, /400 characters/.test(cut.text)], ['Protocol', true]);
  const guarded = await fault({}, { policy: { allowLoopback: false } });
  assert.equal(guarded.code, 'AccessRefused');
  assert.equal((await faultOf(open(1, hear()))).code, 'Unreachable');
  assert.equal((await faultOf(open(8021, hear(), { host: 'switch.invalid' }))).code, 'Unreachable');
});

test(
  'a user who may run no command is served: events tell the instance, accounts of old calls stay unknown',
  LIMIT,
  async () => {
    await using fake = await startFakeEventSocket({ denied: ['global_getvar', 'version', 'uuid_dump', 'show'] });
    const opening = open(fake.port, hear());
    await until('the instance is asked for', () => fake.commands.some((line) => line.includes('core_uuid')));
    fake.send(HEARTBEAT);
    await using connection = await opening;
    assert.deepEqual([connection.instance, connection.version, connection.degraded], [CORE, '', 'AccountsNotListed']);
    const { code, text } = await faultOf(connection.listing(NEVER));
    assert.equal(code, 'AccessRefused');
    assert.match(text, /esl-allowed-api must have show/);
  },
);

test('a switch that hangs at any step is given up within the limit', LIMIT, async () => {
  const limits = { step: 60, listing: 60, silent: 10_000 };
  for (const hangsAt of ['greeting', 'auth', 'event', 'api global', 'api version', 'api uuid_dump']) {
    await using fake = await startFakeEventSocket({ api, hangsAt });
    assert.equal((await faultOf(open(fake.port, hear(), { limits }))).code, 'Silent', hangsAt);
  }
  await using fake = await startFakeEventSocket({ api, hangsAt: 'api show' });
  const patient = { ...limits, step: 30_000 };
  await using connection = await open(fake.port, hear(), { limits: patient });
  assert.equal((await faultOf(connection.listing(NEVER))).code, 'Silent');
  assert.equal(await connection.lost, 'Silent', 'answers that come too late would be taken for others');
});

test('what is no event socket is told apart from a switch', LIMIT, async () => {
  for (const greeting of ['SSH-2.0-OpenSSH_9.2\r\n', 'HTTP/1.1 400 Bad Request\n\n', 'Content-Length: ten\n\n']) {
    const server = createServer((socket) => socket.on('error', () => undefined).write(greeting));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { code, text } = await faultOf(open(port, hear(), { limits: { step: 2_000 } }));
    assert.equal(code, 'Protocol', greeting);
    assert.doesNotMatch(text, /OpenSSH|Bad Request/);
    server.close();
  }
});

test('opening and listing end with the signal', LIMIT, async () => {
  await using fake = await startFakeEventSocket({ api, hangsAt: 'api show' });
  const early = createEslSwitch({
    host: '127.0.0.1',
    port: fake.port,
    credentials: { password: 'ClueCon' },
    park: 'Valet',
    policy: null,
    now: Date.now,
  });
  await assert.rejects(early.open(hear(), AbortSignal.abort(new Error('over'))), /over/);
  await using connection = await open(fake.port, hear());
  const stop = new AbortController();
  const listing = connection.listing(stop.signal);
  await until('the listing is asked for', () => fake.commands.includes('api show channels as json'));
  stop.abort(new Error('no longer wanted'));
  await assert.rejects(listing, /no longer wanted/);
});

test('the end of a connection has a reason', LIMIT, async () => {
  const connected = async (fake: FakeEventSocket) => open(fake.port, hear());
  {
    await using fake = await startFakeEventSocket({ api });
    await using connection = await connected(fake);
    fake.bye();
    assert.equal(await connection.lost, 'Disconnected');
    assert.equal((await faultOf(connection.listing(NEVER))).code, 'Disconnected');
  }
  const fake = await startFakeEventSocket({ api });
  await using connection = await connected(fake);
  await fake[Symbol.asyncDispose]();
  assert.equal(await connection.lost, 'Unreachable');
});

test('a half-open connection is Silent; one with rare heartbeats is asked and lives', LIMIT, async () => {
  await using fake = await startFakeEventSocket({ api });
  await using proxy = await startTcpProxy(fake.port);
  await using connection = await open(proxy.port, hear(), { limits: { silent: 2_400 } });
  const asked = () => fake.commands.filter((line) => line.includes('core_uuid')).length;
  await until('it was asked several times', () => asked() >= 3);
  proxy.blackHole(true);
  assert.equal(await connection.lost, 'Silent');
});

test('a restarted switch is another instance', LIMIT, async () => {
  const instances: string[] = [];
  for (const core of [CORE, '11111111-2222-4333-8444-555555555555']) {
    await using fake = await startFakeEventSocket({ api: () => core });
    await using connection = await open(fake.port, hear());
    instances.push(connection.instance);
  }
  assert.equal(new Set(instances).size, 2);
});

test('S7: the socket is read while the listener is slow, and while a listing is under way', LIMIT, async () => {
  const many = Array.from({ length: 300 }, (_, n) => ({ 'Event-Name': 'DTMF', n, pad: 'x'.repeat(20_000) }));
  await using fake = await startFakeEventSocket({ api, events: many, hangsAt: 'api show' });
  const heard = hear(() => {
    const end = performance.now() + 1;
    while (performance.now() < end);
  });
  await using connection = await open(fake.port, heard);
  const stop = new AbortController();
  const listing = connection.listing(stop.signal);
  await until('6 MB were read', () => heard.events.length === many.length);
  assert.deepEqual(heard.events, many);
  stop.abort();
  await assert.rejects(listing);
});

test('a listing has every leg, and the variables of each', LIMIT, async () => {
  const channels = listings('show-channels.json');
  const dumps = listings('uuid-dump.json')
    .split('\n')
    .filter((line) => line.startsWith('{'));
  const dumpOf = (id: string) => dumps.find((line) => line.includes(`"Unique-ID":"${id}"`)) ?? '-ERR No such channel!';
  await using fake = await startFakeEventSocket({
    api: (command) =>
      command === 'show channels as json'
        ? channels
        : command.startsWith('uuid_dump')
          ? dumpOf(command.split(' ')[1] ?? '')
          : api(command),
  });
  await using connection = await open(fake.port, hear());
  const legs = await connection.listing(NEVER);
  assert.equal(legs.length, 4);
  const [dumped] = dumps.map((line) => JSON.parse(line) as SwitchEvent);
  const leg = legs.find(({ id }) => id === dumped?.['Unique-ID']);
  assert.equal(leg?.event['variable_account_id'], 'acme');
  for (const { event } of legs) assert.equal(event['Core-UUID'], CORE);
});

test('a listing without legs is empty, and one that is not JSON is no listing', LIMIT, async () => {
  for (const [answer, expected] of [
    ['{"row_count":0}', 0],
    ['-ERR show Command not found!', 'Protocol'],
  ] as const) {
    await using fake = await startFakeEventSocket({
      api: (command) => (command.startsWith('show') ? answer : api(command)),
    });
    await using connection = await open(fake.port, hear());
    if (expected === 0) assert.deepEqual(await connection.listing(NEVER), []);
    else assert.equal((await faultOf(connection.listing(NEVER))).code, expected);
  }
});
