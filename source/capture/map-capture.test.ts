import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SwitchEvent } from '../mapper.ts';
import { defaultMappingOptions } from '../mapping-options.ts';
import { recording, recordings } from '../testing/recordings.ts';
import { CAPTURE_KINDS, type CaptureKind } from './capture-kinds.ts';
import { mapCapture, type CaptureOptions, type CaptureStep } from './map-capture.ts';
import { splitLines } from './split-lines.ts';

const options = (kind: CaptureKind): CaptureOptions => ({
  ...defaultMappingOptions(),
  kind,
  park: 'Application',
  endpoint: 'pbx1',
});

async function steps(kind: CaptureKind, ...chunks: readonly Buffer[]): Promise<CaptureStep[]> {
  return Array.fromAsync(mapCapture(options(kind), inChunks(chunks)));
}

async function* inChunks(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}

const eventsOf = (found: readonly CaptureStep[]) => found.flatMap((step) => (step.kind === 'fault' ? [] : step.events));
const faultsOf = (found: readonly CaptureStep[]) =>
  found.flatMap((step) => (step.kind === 'fault' ? [`${step.place}: ${step.detail}`] : []));

const bytesOf = (name: string) => readFileSync(new URL(`../fixtures/recordings/${name}.ndjson`, import.meta.url));

const ami = (event: SwitchEvent) =>
  `${Object.entries(event)
    .map(([key, value]) => `${key}: ${String(value)}\r\n`)
    .join('')}\r\n`;

const esl = (event: SwitchEvent) => {
  const text = JSON.stringify(event);
  return `Content-Length: ${Buffer.byteLength(text)}\nContent-Type: text/event-json\n\n${text}`;
};

test('a recording, the bare events and the bytes of the socket become the same events', async () => {
  const cases = [
    ['freeswitch', 'freeswitch-1.11/esl/rejected_busy', esl],
    ['asterisk-ami', 'asterisk-22/ami/hold_unhold', ami],
    ['asterisk-ari', 'asterisk-22/ari/hold_unhold', null],
  ] as const;
  for (const [kind, name, wire] of cases) {
    const shown = async (bytes: Buffer) =>
      eventsOf(await steps(kind, bytes.subarray(0, 99), bytes.subarray(99))).map(({ eventId, account }) => [
        eventId,
        account,
      ]);
    const events = recording(name).events.map(({ event }) => event);
    const expected = await shown(bytesOf(name));
    assert.ok(expected.length > 0);
    assert.deepEqual(await shown(Buffer.from(events.map((event) => JSON.stringify(event)).join('\r\n\n'))), expected);
    if (wire !== null) assert.deepEqual(await shown(Buffer.from(events.map(wire).join(''))), expected, name);
  }
});

test('a bus message is read from its wrapper, as text, or bare', async () => {
  const text = (n: number) => `{"Event-Name":"DTMF", "Call-ID":"leg-1","big":1234567890123456789${n}}`;
  const lines = [
    `{"received":1,"routing_key":"call.DTMF.leg-1","event":{},"event": ${text(1)}}`,
    JSON.stringify({ routing_key: 'call.DTMF.leg-1', body: text(2) }),
    text(3),
    `{"routing_key":"call.OTHER.leg-1","event":${text(4)}}`,
  ];
  const found = await steps('kazoo', Buffer.from(lines.join('\n')));
  assert.deepEqual(
    eventsOf(found).map(({ json }) => json),
    [text(1), text(2), text(3)],
  );
});

test('a line that cannot be read is named, and the others are mapped', async () => {
  const good = bytesOf('asterisk-22/ari/no_answer').toString();
  const bad = ['not json', '[]', '"x"', '{"received":1,"event":7}', `{"a":"${'x'.repeat(1_100_000)}"}`];
  const bytes = Buffer.concat([
    Buffer.from(`${bad.join('\n')}\n`),
    Buffer.of(0xc3, 0x28, 0x0a),
    Buffer.from(`\n${good}`),
  ]);
  const found = await steps('asterisk-ari', Buffer.from('{}\n'), bytes);
  assert.deepEqual(faultsOf(found), [
    '2: not JSON',
    '3: not a JSON object',
    '4: not a JSON object',
    '5: "event" is not a JSON object',
    '6: longer than 1048576 bytes',
    '7: the bytes are not UTF-8',
  ]);
  assert.equal(eventsOf(found).length, eventsOf(await steps('asterisk-ari', Buffer.from(good))).length);
});

test('a raw stream that breaks off or is none says so', async () => {
  assert.deepEqual(faultsOf(await steps('freeswitch', Buffer.from('Content-Length: ten\n\n'))), [
    'message 1: no stream of the event socket: A Content-Length is not a number',
  ]);
  assert.deepEqual(faultsOf(await steps('asterisk-ami', Buffer.from(`${ami({ Event: 'X' })}Event: Y`))), [
    'message 2: the message does not end',
  ]);
  assert.deepEqual(faultsOf(await steps('asterisk-ami', Buffer.from('hello\n\n'))), [
    'message 1: neither an event nor a response of AMI',
  ]);
  assert.deepEqual(eventsOf(await steps('freeswitch')), []);
});

test('no bytes whatsoever end the tool', async () => {
  const lines = fc.array(fc.oneof(fc.json(), fc.string({ unit: 'binary' }), fc.constant('Content-Length: 5\n\n')), {
    maxLength: 8,
  });
  for (const kind of CAPTURE_KINDS) {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 400 }),
          lines.map((some) => Buffer.from(some.join('\n'))),
        ),
        async (bytes) => {
          const found = await steps(kind, Buffer.from(bytes));
          assert.equal(found.at(-1)?.kind, 'end');
        },
      ),
      { numRuns: 150 },
    );
  }
});

test('no values whatsoever in a switch’s own fields end the tool', async () => {
  const real = new Map<CaptureKind, SwitchEvent[]>(CAPTURE_KINDS.map((kind) => [kind, []]));
  for (const { name, events } of recordings()) {
    const kind = name.startsWith('freeswitch')
      ? 'freeswitch'
      : name.includes('/ami/')
        ? 'asterisk-ami'
        : 'asterisk-ari';
    real.get(kind)?.push(...events.slice(0, 12).map(({ event }) => event));
  }
  const odd = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom('', '-1', '1e999', '99999999999999999999', '__proto__'),
  );
  for (const [kind, events] of real) {
    if (events.length === 0) continue;
    const broken = fc
      .tuple(fc.constantFrom(...events), fc.infiniteStream(fc.nat(9)), odd)
      .map(([event, dice, value]) => JSON.stringify(breakSome(event, dice, value)));
    await fc.assert(
      fc.asyncProperty(fc.array(broken, { maxLength: 12 }), async (lines) => {
        const found = await steps(kind, Buffer.from(lines.join('\n')));
        assert.deepEqual(faultsOf(found), []);
        for (const { json, eventId } of eventsOf(found)) {
          assert.match(eventId, /^[A-Za-z0-9._:-]{1,128}$/);
          assert.equal(typeof (JSON.parse(json) as SwitchEvent)['Call-ID'], 'string');
        }
      }),
      { numRuns: 150 },
    );
  }
});

test('lines are split wherever the chunks end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string()), fc.array(fc.nat(300)), async (lines, cuts) => {
      const bytes = Buffer.from(lines.map((line) => line.replaceAll('\n', ' ')).join('\n'));
      const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b), bytes.length];
      const chunks = places.slice(1).map((to, index) => bytes.subarray(places[index], to));
      const split = await Array.fromAsync(splitLines(inChunks(chunks), 1_000));
      const expected = bytes.toString().split('\n');
      if (expected.at(-1) === '') expected.pop();
      assert.deepEqual(
        split.map((line) => line.bytes?.toString()),
        expected,
      );
    }),
  );
});

/** The event with some of its values replaced, at any depth. */
function breakSome(value: unknown, dice: Iterator<number>, odd: unknown): unknown {
  if (typeof value !== 'object' || value === null) return dice.next().value === 0 ? odd : value;
  if (Array.isArray(value)) return value.map((inner) => breakSome(inner, dice, odd));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, breakSome(inner, dice, odd)]));
}
