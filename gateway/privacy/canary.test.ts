import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PrivacyClass } from '../../protocol/privacy-class.ts';
import { canaryEvents } from '../testing/canary-events.ts';
import { OPEN_PROFILE as OPEN, redactorFor } from '../testing/profiles.ts';

/** `CANARIES=100000` runs the long form. */
const EVENTS = Number(process.env['CANARIES'] ?? 5_000);
const eventOf = canaryEvents(4_711);

/** Profiles, and the classes whose canaries must not appear. */
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

for (const [name, profile, hidden] of PROFILES) {
  test(`V1: no canary of what is hidden leaves, in ${EVENTS} random events: ${name}`, () => {
    const { event } = redactorFor(profile);
    let marked = 0;
    for (let n = 0; n < EVENTS; n += 1) {
      const { text, canaries } = eventOf();
      const out = event(Buffer.from(text), n).toString();
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
