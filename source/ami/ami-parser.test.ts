import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SwitchEvent } from '../mapper.ts';
import { recording } from '../testing/recordings.ts';
import { AmiError, createAmiParser } from './ami-parser.ts';

const GREETING = 'Asterisk Call Manager/11.0.0\r\n';
const LOGIN = 'Response: Success\r\nMessage: Authentication accepted\r\n\r\n';

const wire = (event: SwitchEvent, end = '\r\n') =>
  Object.entries(event)
    .flatMap(([key, value]) => (Array.isArray(value) ? value : [value]).map((one) => `${key}: ${String(one)}${end}`))
    .join('') + end;

const parse = (chunks: readonly Buffer[]) => {
  const parser = createAmiParser();
  const messages = chunks.flatMap((chunk) => parser.push(chunk)).map((message) => ({ ...message }));
  assert.equal(parser.pending(), 0);
  return messages;
};

const EVENTS = recording('asterisk-22/ami/hold_unhold').events.map(({ event }) => event);

test('S11: every cut of the byte stream gives the same messages', () => {
  const few = EVENTS.slice(0, 6);
  const stream = Buffer.from(GREETING + LOGIN + few.map((event) => wire(event)).join(''));
  const whole = parse([stream]);
  assert.deepEqual(whole, [
    { Banner: 'Asterisk Call Manager/11.0.0' },
    { Response: 'Success', Message: 'Authentication accepted' },
    ...few,
  ]);
  for (let cut = 0; cut <= stream.length; cut += 1) {
    assert.deepEqual(parse([stream.subarray(0, cut), stream.subarray(cut)]), whole, `cut at ${cut}`);
  }
  assert.deepEqual(parse([...stream].map((byte) => Buffer.of(byte))), whole);
});

test('S11: a whole recording survives cuts anywhere, and lines that end without a carriage return', () => {
  for (const end of ['\r\n', '\n']) {
    const stream = Buffer.from(EVENTS.map((event) => wire(event, end)).join(''));
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 100 }), (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
        assert.deepEqual(parse(places.slice(1).map((to, index) => stream.subarray(places[index], to))), EVENTS);
      }),
      { numRuns: 40 },
    );
  }
});

test('S11: a name of any letters survives a cut within a letter', () => {
  const stream = Buffer.from(wire({ Event: 'Newchannel', CallerIDName: 'Zoë 😀: ok', Exten: '' }));
  for (let cut = 0; cut <= stream.length; cut += 1) {
    assert.deepEqual(parse([stream.subarray(0, cut), stream.subarray(cut)]), [
      { Event: 'Newchannel', CallerIDName: 'Zoë 😀: ok', Exten: '' },
    ]);
  }
});

test('a key given twice is a list, and a value keeps its colons and spaces', () => {
  const text = 'Event: X\r\nChanVariable: a=1\r\nChanVariable: b=2: 3\r\nChanVariable: c= \r\nEmpty:\r\n\r\n';
  assert.deepEqual(parse([Buffer.from(text)]), [{ Event: 'X', ChanVariable: ['a=1', 'b=2: 3', 'c= '], Empty: '' }]);
});

test('a message that does not end is an error, not memory', () => {
  const parser = createAmiParser();
  const chunk = Buffer.from(`Key: ${'x'.repeat(65_000)}\r\n`);
  assert.throws(() => {
    for (let round = 0; round < 20; round += 1) parser.push(chunk);
  }, AmiError);
});
