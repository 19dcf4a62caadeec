import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { PRIVACY_CLASSES, privacyClass, type PrivacyClass } from '../../protocol/privacy-class.ts';
import { EVENT_FIELDS } from '../../protocol/event-schema.ts';
import { subscriptionSchema } from '../../protocol/subscription.ts';
import { seeded } from '../testing/hostile.ts';
import { redactorOf, type Redactor } from './redactor.ts';

const EVENTS = Number(process.env['CANARIES'] ?? 5_000);
const random = seeded(4_711);
const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
const pseudonym = (text: string) => createHmac('sha256', 'test').update(text).digest('base64url').slice(0, 16);

function redactor(profile: object): Redactor {
  const resource = {
    apiVersion: 'firehose.dev/v1alpha1',
    kind: 'FirehoseSubscription',
    metadata: { name: 'r' },
    spec: { account: { id: 'a' }, privacy: { default: 'p', profiles: [{ name: 'p', ...profile }] } },
  };
  const made = redactorOf(subscriptionSchema.parse(resource).spec.privacy, pseudonym);
  assert.ok(made);
  return made;
}

const OPEN = {
  sdp: 'Keep',
  network: 'Keep',
  digits: 'Keep',
  numbers: 'Keep',
  names: 'Keep',
  billing: 'Keep',
  variables: { policy: 'Keep' },
  unknownFields: 'Keep',
};

/** Profiles, and the classes of which no canary may leave. */
const PROFILES: readonly (readonly [name: string, profile: object, hidden: readonly PrivacyClass[]])[] = [
  [
    'all that is hidden by default',
    {},
    ['sdp', 'network', 'digits', 'numbers', 'names', 'billing', 'variables', 'unknown'],
  ],
  ['the last four digits', { ...OPEN, numbers: 'Last4' }, ['numbers']],
  ['pseudonyms', { ...OPEN, numbers: 'Pseudonym', names: 'Pseudonym' }, ['numbers', 'names']],
  ['no numbers', { ...OPEN, numbers: 'Drop' }, ['numbers']],
  ['no SDP', { ...OPEN, sdp: 'Drop' }, ['sdp']],
  ['no addresses', { ...OPEN, network: 'Drop' }, ['network']],
  ['masked digits', { ...OPEN, digits: 'Mask' }, ['digits']],
  ['no billing', { ...OPEN, billing: 'Drop' }, ['billing']],
  ['no names', { ...OPEN, names: 'Drop' }, ['names']],
  ['known variables alone', { ...OPEN, variables: { policy: 'AllowList', allow: ['Allowed'] } }, ['variables']],
  ['known fields alone', { ...OPEN, unknownFields: 'Drop' }, ['unknown']],
];

const FIELDS = [...new Set([...Object.keys(EVENT_FIELDS), ...Object.values(PRIVACY_CLASSES).flat()])];
const ofClass = (wanted: PrivacyClass) => FIELDS.filter((field) => privacyClass(field) === wanted);
const SECRETS: readonly PrivacyClass[] = ['sdp', 'network', 'digits', 'numbers', 'names', 'billing'];
const UNKNOWN = ['Mystery', 'Zürich', 'Whatever-Else', '__proto__', 'constructor', 'a"b\\c'];

/** A text that can be found again wherever it goes, and says of which class it is. */
function canary(of: PrivacyClass): string {
  const digits = String(Math.floor(random() * 1e9)).padStart(9, '7');
  if (of === 'numbers') return pick([`+4930${digits}`, `0049 30 ${digits}`, `user_canarynumbers${digits}`]);
  return `canary${of}${digits}`;
}

/** The same field as publishers spell it, and in any escape. */
function spell(field: string): string {
  const name = pick([field, field, field, field.toLowerCase(), field.toUpperCase()]);
  return random() < 0.1 && name.length > 1
    ? `"\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${JSON.stringify(name.slice(1)).slice(1)}`
    : JSON.stringify(name);
}

const addressed = new Set(['from', 'to', 'request', 'presence-id']);

/** One event as text, and its canaries by class. */
function eventOf(): { text: string; canaries: Map<PrivacyClass, string[]> } {
  const canaries = new Map<PrivacyClass, string[]>();
  const mark = (of: PrivacyClass) => {
    const text = canary(of);
    canaries.set(of, [...(canaries.get(of) ?? []), text]);
    return text;
  };
  const value = (field: string, of: PrivacyClass): string => {
    if (of === 'numbers' && addressed.has(field.toLowerCase())) return JSON.stringify(`${mark(of)}@a.example.com`);
    const shape = random();
    // Of the wrong type, nested, or in a list: in what can hold a secret.
    if (shape < 0.05)
      return JSON.stringify({
        deep: [{ er: mark(of) }],
        [pick(ofClass(of).length > 0 ? ofClass(of) : UNKNOWN)]: mark(of),
      });
    if (shape < 0.1) return JSON.stringify([{ x: mark(of) }]);
    return JSON.stringify(mark(of));
  };
  const members = [`"Event-Name":"CHANNEL_ANSWER"`, `"Call-ID":"call"`, `"Timestamp":63900000000.50`];
  for (const of of SECRETS) {
    for (const field of ofClass(of)) if (random() < 0.5) members.push(`${spell(field)} : ${value(field, of)}`);
  }
  for (const field of UNKNOWN) if (random() < 0.5) members.push(`${JSON.stringify(field)}:${value(field, 'unknown')}`);
  for (const holder of ofClass('variables')) {
    const inner = SECRETS.map((of) => {
      const field = pick(ofClass(of));
      return `${spell(field)}:${JSON.stringify(mark(of))}`;
    });
    inner.push(`"My-Var":${JSON.stringify(mark('variables'))}`, `"Allowed":"yes"`);
    inner.push(
      `"Nested":{"Caller-ID-Number":${JSON.stringify(mark('numbers'))},"free":${JSON.stringify(mark('variables'))}}`,
    );
    members.push(`${spell(holder)}:{${inner.join(', ')}}`);
  }
  return { text: `{${members.toSorted(() => random() - 0.5).join(',')}}`, canaries };
}

for (const [name, profile, hidden] of PROFILES) {
  test(`V1: no canary of what is hidden leaves, in ${EVENTS} random events: ${name}`, () => {
    const { event } = redactor(profile);
    let marked = 0;
    for (let n = 0; n < EVENTS; n += 1) {
      const { text, canaries } = eventOf();
      const out = event(Buffer.from(text)).toString();
      assert.equal((JSON.parse(out) as Record<string, unknown>)['Event-Name'], 'CHANNEL_ANSWER');
      for (const of of hidden) {
        for (const secret of canaries.get(of) ?? []) {
          marked += 1;
          if (out.includes(secret)) assert.fail(`${secret} left in ${out}`);
        }
      }
    }
    assert.ok(marked >= EVENTS);
  });
}
