import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createRandom, type Random } from '../../protocol/simulator/random.ts';
import type { SwitchEvent } from '../mapper.ts';
import { defaultMappingOptions } from '../mapping-options.ts';
import { recordings, type Recording } from '../testing/recordings.ts';
import { assertWholeLegs } from '../testing/whole-legs.ts';
import { CAPTURE_KINDS, type CaptureKind } from './capture-kinds.ts';
import { mapCapture } from './map-capture.ts';

const ALL = recordings();
const SEEDS = Array.from({ length: 6 }, (_, index) => `capture ${index}`);

const kindOf = (name: string): CaptureKind => {
  if (name.startsWith('freeswitch')) return 'freeswitch';
  return name.includes('/ami/') ? 'asterisk-ami' : 'asterisk-ari';
};
const bytesOf = ({ name }: Recording) =>
  readFileSync(new URL(`../fixtures/recordings/${name}.ndjson`, import.meta.url));

/** The bytes of the switch's own socket; null where there are none to be captured. */
const WIRES: Readonly<Record<CaptureKind, ((event: SwitchEvent) => string) | null>> = {
  freeswitch: (event) => {
    const text = JSON.stringify(event);
    return `Content-Length: ${Buffer.byteLength(text)}\nContent-Type: text/event-json\n\n${text}`;
  },
  'asterisk-ami': (event) => {
    const lines = Object.entries(event).flatMap(([key, value]) =>
      (Array.isArray(value) ? value : [value]).map((one) => `${key}: ${String(one)}\r\n`),
    );
    return `${lines.join('')}\r\n`;
  },
  'asterisk-ari': null,
  kazoo: null,
};

interface Outcome {
  readonly events: number;
  readonly faults: number;
  readonly dropped: number;
}

/** Maps a capture in two chunks, and judges what comes of it. */
async function mapped(kind: CaptureKind, bytes: Buffer, where: string): Promise<Outcome> {
  const half = Math.floor(bytes.length / 2);
  async function* chunks() {
    yield bytes.subarray(0, half);
    yield bytes.subarray(half);
  }
  const options = { ...defaultMappingOptions(), kind, park: 'Valet', endpoint: 'pbx1' } as const;
  const steps = await Array.fromAsync(mapCapture(options, chunks()));
  const events = steps.flatMap((step) => (step.kind === 'fault' ? [] : step.events));
  const end = steps.at(-1);
  assert.ok(end?.kind === 'end', `${where}: it is read to its end`);
  if (kind !== 'kazoo') assertWholeLegs(events, end.live, where);
  for (const { json } of events) assert.ok(json.isWellFormed() && JSON.parse(json) !== null, where);
  const faults = steps.filter((step) => step.kind === 'fault');
  for (const { detail, place } of faults) assert.ok(detail !== '' && place !== '', where);
  const dropped = steps.filter((step) => step.kind === 'mapped' && step.dropped !== null).length;
  return { events: events.length, faults: faults.length, dropped };
}

/** Changes a few bytes, or cuts some out. */
function spoiled(bytes: Buffer, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  for (let count = random.integer(1, 20); count > 0; count -= 1) {
    copy[random.integer(0, copy.length - 1)] = random.integer(0, 255);
  }
  const from = random.integer(0, copy.length);
  return Buffer.concat([copy.subarray(0, from), copy.subarray(from + random.integer(0, 2_000))]);
}

test('S3: a capture that ends within any line becomes legs that begin, and the cut line is told', async (t) => {
  let captures = 0;
  for (const source of ALL) {
    const kind = kindOf(source.name);
    const bytes = bytesOf(source);
    for (let line = 0, at = 0; at < bytes.length; line += 1) {
      const next = bytes.indexOf(0x0a, at) + 1;
      const inside = at + Math.floor((next - at) / 2);
      const { faults } = await mapped(kind, bytes.subarray(0, inside), `${source.name} within line ${line}`);
      assert.equal(faults, 1, `${source.name} within line ${line}`);
      captures += 1;
      at = next;
    }
  }
  t.diagnostic(`${captures} captures`);
});

test('S3 S11: captures with spoiled and missing bytes, as lines and as the socket sent them, become whole legs', async (t) => {
  const all = { captures: 0, events: 0, faults: 0, dropped: 0 };
  for (const source of ALL) {
    const kind = kindOf(source.name);
    const wire = WIRES[kind];
    const forms = [bytesOf(source), Buffer.from(bytesOf(source).toString().replaceAll('\n', '\r\n'))];
    if (wire !== null) forms.push(Buffer.from(source.events.map(({ event }) => wire(event)).join('')));
    for (const seed of SEEDS) {
      for (const [form, bytes] of forms.entries()) {
        const where = `${source.name}, form ${form}, ${seed}`;
        const { events, faults, dropped } = await mapped(kind, spoiled(bytes, createRandom(where)), where);
        all.captures += 1;
        all.events += events;
        all.faults += faults;
        all.dropped += dropped;
      }
    }
  }
  t.diagnostic(JSON.stringify(all));
  assert.ok(all.events > 10_000 && all.faults > 500);
});

test('a capture of another switch, or of none, is read to its end and becomes nothing', async () => {
  const others = ['', '\n', '\r\n\r\n', 'not a capture\n', '\u0000\u0001\n', '{}', '[]', '[[1]]', '\ufeff', '🦜\n'];
  for (const kind of CAPTURE_KINDS) {
    for (const text of others) {
      assert.equal((await mapped(kind, Buffer.from(text), `${kind}: ${JSON.stringify(text)}`)).events, 0);
    }
    for (const source of ALL.filter(({ name }) => kindOf(name) !== kind)) {
      const { events } = await mapped(kind, bytesOf(source), `${source.name} as ${kind}`);
      assert.equal(events, 0, `${source.name} as ${kind}`);
    }
  }
});
