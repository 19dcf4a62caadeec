import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SwitchEvent } from '../mapper.ts';
import { recording } from '../testing/recordings.ts';
import { readEslMessage, readPlainEvent } from './esl-event.ts';
import { createEslParser, EslError, type EslMessage } from './esl-parser.ts';

const json = (event: SwitchEvent) => {
  const body = Buffer.from(JSON.stringify(event));
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\nContent-Type: text/event-json\n\n`), body]);
};

const plain = (event: SwitchEvent) => {
  const lines = Object.entries(event).map(([key, value]) =>
    Array.isArray(value)
      ? `${key}: ARRAY::${encodeURIComponent(value.join('|:'))}`
      : `${key}: ${encodeURIComponent(String(value))}`,
  );
  const body = Buffer.from(`${lines.join('\n')}\n\n`);
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\nContent-Type: text/event-plain\n\n`), body]);
};

const parse = (chunks: readonly Buffer[]): EslMessage[] => {
  const parser = createEslParser();
  const messages = chunks.flatMap((chunk) => parser.push(chunk));
  assert.equal(parser.pending(), 0);
  return messages;
};

const eventsOf = (messages: readonly EslMessage[]) =>
  messages.map(readEslMessage).flatMap((read) => (read.kind === 'event' ? [read.event] : []));

const cutAt = (bytes: Buffer, cuts: readonly number[]) => {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return places.slice(1).map((to, index) => bytes.subarray(places[index], to));
};

const GREETING = Buffer.from(
  'Content-Type: auth/request\n\nContent-Type: command/reply\nReply-Text: +OK accepted\n\n' +
    'Content-Type: api/response\nContent-Length: 3\n\n\n\n\n',
);
const EVENTS = recording('freeswitch-1.11/esl/rejected_busy').events.map(({ event }) => event);

test('S11: every cut of the byte stream gives the same JSON events', () => {
  const few = EVENTS.slice(0, 4).map((event) => Object.fromEntries(Object.entries(event).slice(0, 24)));
  const stream = Buffer.concat([GREETING, ...few.map(json)]);
  const whole = parse([stream]);
  assert.deepEqual(eventsOf(whole), few);
  assert.equal(whole.length, 3 + few.length);
  for (let cut = 0; cut <= stream.length; cut += 1) {
    assert.deepEqual(parse([stream.subarray(0, cut), stream.subarray(cut)]), whole, `cut at ${cut}`);
  }
  assert.deepEqual(parse([...stream].map((byte) => Buffer.of(byte))), whole);
});

test('S11: every cut gives the same plain events as the JSON form', () => {
  const few = EVENTS.slice(0, 3);
  const stream = Buffer.concat(few.map(plain));
  assert.deepEqual(
    eventsOf(parse([stream])).map((event) => ({ ...event })),
    few,
  );
  fc.assert(
    fc.property(fc.array(fc.nat(stream.length), { maxLength: 40 }), (cuts) => {
      assert.deepEqual(
        eventsOf(parse(cutAt(stream, cuts))).map((event) => ({ ...event })),
        few,
      );
    }),
    { numRuns: 60 },
  );
});

test('S11: a whole recording survives cuts anywhere', () => {
  const stream = Buffer.concat(EVENTS.map(json));
  fc.assert(
    fc.property(fc.array(fc.nat(stream.length), { maxLength: 200 }), (cuts) => {
      assert.deepEqual(eventsOf(parse(cutAt(stream, cuts))), EVENTS);
    }),
    { numRuns: 40 },
  );
});

test('S11: any values come through, in any cut', () => {
  const event = fc.dictionary(fc.string({ minLength: 1, unit: 'grapheme' }), fc.string({ unit: 'binary' }));
  fc.assert(
    fc.property(fc.array(event, { maxLength: 5 }), fc.array(fc.nat(10_000), { maxLength: 10 }), (events, cuts) => {
      const stream = Buffer.concat(events.map(json));
      const expected = events.map((given) => JSON.parse(JSON.stringify(given)) as SwitchEvent);
      assert.deepEqual(eventsOf(parse(cutAt(stream, cuts))), expected);
    }),
  );
});

test('the ends of a connection have reasons of their own', () => {
  const read = (text: string) => readEslMessage(createEslParser().push(Buffer.from(text))[0]!);
  assert.deepEqual(read('Content-Type: text/disconnect-notice\nContent-Length: 4\n\nBye\n'), {
    kind: 'ended',
    reason: 'disconnect_notice',
  });
  assert.deepEqual(read('Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n\n'), {
    kind: 'ended',
    reason: 'rude_rejection',
  });
  assert.deepEqual(read('Content-Type: command/reply\nReply-Text: -ERR invalid\n\n'), {
    kind: 'reply',
    ok: false,
    text: '-ERR invalid',
  });
  assert.equal(read('Content-Type: text/event-json\nContent-Length: 2\n\n[]').kind, 'malformed');
  assert.equal(read('Content-Type: text/event-json\nContent-Length: 1\n\n{').kind, 'malformed');
});

test('what is no event socket ends with a stable code, not with memory', () => {
  const codeOf = (bytes: Buffer) => {
    try {
      createEslParser().push(bytes);
      return null;
    } catch (error) {
      return error instanceof EslError ? error.code : error;
    }
  };
  assert.equal(codeOf(Buffer.alloc(70_000, 'x')), 'header_too_long');
  assert.equal(codeOf(Buffer.from('Content-Length: 999999999\n\n')), 'body_too_long');
  for (const length of ['-1', '0x10', '1e9', 'ten', '12345678901']) {
    assert.equal(codeOf(Buffer.from(`Content-Length: ${length}\n\n`)), 'bad_length', length);
  }
});

test('a value that is no URL escape stands for itself', () => {
  assert.equal(readPlainEvent('Caller-Caller-ID-Name: 100%25%20off\n')['Caller-Caller-ID-Name'], '100% off');
  assert.equal(readPlainEvent('Caller-Caller-ID-Name: 100% off\n')['Caller-Caller-ID-Name'], '100% off');
});
