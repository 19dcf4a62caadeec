import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { defaultMappingOptions } from '../mapping-options.ts';
import type { SwitchEvent } from '../mapper.ts';
import { recording, recordings } from '../testing/recordings.ts';
import type { CaptureKind } from './capture-kinds.ts';
import { mapCapture, type CaptureStep } from './map-capture.ts';

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

async function mapped(kind: CaptureKind, bytes: Buffer | string, size = 997) {
  const options = { ...defaultMappingOptions(), kind, park: 'Valet', endpoint: 'pbx1' } as const;
  const steps = await Array.fromAsync(mapCapture(options, inChunks(Buffer.from(bytes), size)));
  return {
    ids: steps.flatMap((step) => (step.kind === 'fault' ? [] : step.events)).map(({ eventId }) => eventId),
    faults: steps.flatMap((step: CaptureStep) => (step.kind === 'fault' ? [`${step.place}: ${step.detail}`] : [])),
  };
}

const bytesOf = (name: string) => readFileSync(new URL(`../fixtures/recordings/${name}.ndjson`, import.meta.url));
const eventsOf = (name: string) => recording(name).events.map(({ event }) => event);
const kindOf = (name: string): CaptureKind =>
  name.startsWith('freeswitch') ? 'freeswitch' : name.includes('/ami/') ? 'asterisk-ami' : 'asterisk-ari';

const HOLD = 'freeswitch-1.11/esl/hold_unhold';
const PBX = 'asterisk-22/ami/hold_unhold';

test('a capture is the same compressed, with a byte order mark, in UTF-16, with CRLF, and as a JSON array', async () => {
  for (const name of [HOLD, PBX, 'asterisk-22/ari/hold_unhold']) {
    const kind = kindOf(name);
    const bytes = bytesOf(name);
    const expected = await mapped(kind, bytes);
    assert.ok(expected.ids.length > 5);
    const values = bytes
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown);
    const forms: Readonly<Record<string, Buffer>> = {
      gzip: gzipSync(bytes),
      'byte order mark': Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]),
      'UTF-16': Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(bytes.toString(), 'utf16le')]),
      CRLF: Buffer.from(bytes.toString().replaceAll('\n', '\r\n')),
      array: Buffer.from(JSON.stringify(values)),
      'array over lines': Buffer.from(JSON.stringify(values, null, 2)),
      'objects over lines': Buffer.from(values.map((value) => JSON.stringify(value, null, 2)).join('\n')),
      'a terminal client': Buffer.from(bytes.toString().replaceAll(/^(?=\{)/gm, '< ')),
    };
    for (const [form, content] of Object.entries(forms)) {
      for (const size of [1, 997, 1_000_000]) {
        if (size === 1 && content.length > 100_000) continue;
        assert.deepEqual(await mapped(kind, content, size), expected, `${name}: ${form} in chunks of ${size}`);
      }
    }
  }
});

test('a compressed file that breaks off is mapped as far as it goes, and named', async () => {
  const { ids, faults } = await mapped('freeswitch', gzipSync(bytesOf(HOLD)).subarray(0, -400));
  assert.deepEqual(faults.map((fault) => fault.replace(/^\S+ \S+: /, '')).slice(-1), [
    'the compressed file breaks off, or is damaged',
  ]);
  assert.ok(ids.length >= 0);
});

const encode = (value: unknown) => encodeURIComponent(String(value)).replaceAll('%20', ' ');
const plainOf = (event: SwitchEvent) =>
  Object.entries(event)
    .map(
      ([key, value]) => `${key}: ${Array.isArray(value) ? `ARRAY::${value.map(encode).join('|:')}` : encode(value)}\n`,
    )
    .join('');
const frame = (type: string, body: string) =>
  `Content-Length: ${Buffer.byteLength(body)}\nContent-Type: text/event-${type}\n\n${body}`;
const xmlOf = (event: SwitchEvent) =>
  `<event>\n  <headers>\n${plainOf(event)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => /^([^:]+): (.*)$/.exec(line) ?? [])
    .map(([, key, value = '']) => `    <${key}>${value.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</${key}>\n`)
    .join('')}  </headers>\n</event>\n`;

test('the plain, XML and JSON forms of the event socket, and what fs_cli prints, are the same events', async () => {
  const events = eventsOf(HOLD);
  const { ids } = await mapped('freeswitch', bytesOf(HOLD));
  const greeting = 'Content-Type: auth/request\n\nContent-Type: command/reply\nReply-Text: +OK accepted\n\n';
  const forms = {
    json: greeting + events.map((event) => frame('json', JSON.stringify(event))).join(''),
    plain: greeting + events.map((event) => frame('plain', `${plainOf(event)}\n`)).join(''),
    xml: greeting + events.map((event) => frame('xml', xmlOf(event))).join(''),
    fs_cli: events.map((event) => `RECV EVENT\n${plainOf(event)}\n\n`).join(''),
  };
  for (const [form, text] of Object.entries(forms)) {
    assert.deepEqual(await mapped('freeswitch', text), { ids, faults: [] }, form);
  }
});

test('after a message of the event socket that was cut, the next ones are read', async () => {
  const frames = eventsOf(HOLD).map((event) => frame('json', JSON.stringify(event)));
  const whole = await mapped('freeswitch', frames.join(''));
  const broken = [...frames];
  broken[5] = frames[5]?.slice(0, 300) ?? '';
  const { ids, faults } = await mapped('freeswitch', broken.join(''));
  assert.equal(faults.length, 1);
  assert.match(faults[0] ?? '', /^message 6: The body of a text\/event-json message is not JSON$/);
  assert.ok(ids.length >= whole.ids.length - 2, `${ids.length} of ${whole.ids.length}`);
  const late = await mapped('freeswitch', frames.join('').slice(500));
  assert.deepEqual(late.faults, ['message 1: the capture begins within a message, or is none of the event socket']);
  assert.equal(late.ids.length, whole.ids.length);
});

test('bytes of the event socket that are missing, or too many, cost two messages at most, wherever they are', async () => {
  const bytes = Buffer.from(
    eventsOf(HOLD)
      .map((event) => frame('json', JSON.stringify(event)))
      .join(''),
  );
  const whole = await mapped('freeswitch', bytes);
  for (let at = 3_000; at < bytes.length - 6_000; at += 9_973) {
    for (const hole of [20, 777]) {
      const cut = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + hole)]);
      const { ids, faults } = await mapped('freeswitch', cut);
      assert.ok(ids.length >= whole.ids.length - 2, `${hole} bytes at ${at}: ${ids.length} of ${whole.ids.length}`);
      assert.ok(faults.length <= 2, `${hole} bytes at ${at}: ${faults.join('; ')}`);
    }
    const garbage = Buffer.concat([bytes.subarray(0, at), Buffer.from('\n\n!! :\n\n'), bytes.subarray(at)]);
    const { ids, faults } = await mapped('freeswitch', garbage);
    assert.ok(ids.length >= whole.ids.length - 2, `garbage at ${at}: ${ids.length}`);
    assert.ok(faults.length >= 1 && faults.length <= 2, `garbage at ${at}: ${faults.join('; ')}`);
  }
});

test('objects over several lines are read after lines of a log', async () => {
  for (const name of [HOLD, PBX]) {
    const values = eventsOf(name).map((event) => JSON.stringify(event, null, 2));
    const { ids } = await mapped(kindOf(name), bytesOf(name));
    const log = `started at 10:00\n[info] listening\n${values.join('\n')}\n`;
    assert.deepEqual((await mapped(kindOf(name), log)).ids, ids, name);
  }
});

test('AMI as a telnet client sees it: a preamble, the greeting, the login, answers, and line feeds alone', async () => {
  const { ids } = await mapped('asterisk-ami', bytesOf(PBX));
  const texts = eventsOf(PBX).map((event) =>
    Object.entries(event)
      .flatMap(([key, value]) => (Array.isArray(value) ? value : [value]).map((one) => `${key}: ${String(one)}\r\n`))
      .join(''),
  );
  const preamble =
    "Trying 10.0.0.7...\r\nConnected to pbx1.\r\nEscape character is '^]'.\r\nAsterisk Call Manager/8.0.2\r\n";
  const login = 'Action: Login\r\nActionID: 1\r\nUsername: u\r\nSecret: canary\r\n\r\n';
  const answer = 'Response: Success\r\nActionID: 1\r\nMessage: Authentication accepted\r\n\r\n';
  const listed = 'Event: CoreShowChannelsComplete\r\nActionID: 2\r\nEventList: Complete\r\nListItems: 0\r\n\r\n';
  const text = preamble + login + answer + texts.map((one) => `${one}\r\n`).join('') + listed;
  for (const form of [text, text.replaceAll('\r\n', '\n')]) {
    assert.deepEqual(await mapped('asterisk-ami', form), { ids, faults: [] });
  }
});

test('messages as the tools of RabbitMQ write them are read', async () => {
  const event = { 'Event-Name': 'DTMF', 'Call-ID': 'leg-1', 'Msg-ID': '1' };
  const text = JSON.stringify(event);
  const [first, ...others] = await Promise.all(
    [
      { routing_key: 'call.DTMF.leg-1', event },
      { routing_key: 'call.DTMF.leg-1', payload: text, payload_bytes: text.length, payload_encoding: 'string' },
      { type: 'published', routing_keys: ['call.DTMF.leg-1'], payload: Buffer.from(text).toString('base64') },
      { fields: { routingKey: 'call.DTMF.leg-1', exchange: 'callevt' }, payload: event },
      event,
    ].map(async (value) => mapped('kazoo', JSON.stringify(value))),
  );
  assert.equal(first?.ids.length, 1);
  for (const other of others) assert.deepEqual(other, first);
});

test('lines that are cut, doubled, or garbage cost themselves alone, in every recording', async () => {
  for (const { name } of recordings()) {
    const kind = kindOf(name);
    const lines = bytesOf(name).toString().trimEnd().split('\n');
    const step = Math.max(1, Math.floor(lines.length / 12));
    for (let at = 0; at < lines.length; at += step) {
      const line = lines[at] ?? '';
      const garbage = [...lines.slice(0, at), '\u0000garbage: {"', ...lines.slice(at)].join('\n');
      const told = await mapped(kind, garbage, 65_536);
      assert.deepEqual(told.faults, [`${at + 1}: not JSON`], `${name} with garbage before line ${at + 1}`);
      const cut = [...lines.slice(0, at), line.slice(0, Math.floor(line.length / 2)), ...lines.slice(at + 1)].join(
        '\n',
      );
      const { faults } = await mapped(kind, cut, 65_536);
      assert.equal(faults.length, 1, `${name} with line ${at + 1} cut: ${faults.join('; ')}`);
      assert.match(faults[0] ?? '', /^\d+: not JSON/);
      const end = await mapped(kind, lines.slice(0, at).join('\n') + line.slice(0, 40), 65_536);
      assert.ok(end.faults.length <= 1, name);
    }
  }
});
