import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isAtLeastAsStrict, strictest } from '../../protocol/privacy-lattice.ts';
import { STRICTEST_FIRST, type PrivacyProfile } from '../../protocol/subscription/privacy.ts';
import { canaryEvents } from '../testing/canary-events.ts';
import { OPEN_PROFILE, privacyOf, profileOf, profilesFor, pseudonym } from '../testing/profiles.ts';
import { isSameRedactor, redactorOf } from './redactor.ts';

const CRM = { ...OPEN_PROFILE, name: 'crm', numbers: 'Last4' };
const STRICT = { name: 'strict' };
const NAMELESS = { ...OPEN_PROFILE, name: 'nameless', names: 'Drop' };
const PRIVACY = { default: 'crm', profiles: [CRM, STRICT, NAMELESS] };

test('the default holds for everyone, and besides it the profiles of a client: what all of them show', () => {
  const { profiles } = profilesFor(PRIVACY);
  const nameOf = (...names: string[]) => profiles.of(names)?.name;
  assert.deepEqual([nameOf(), nameOf('crm'), nameOf('strict')], ['crm', 'crm', 'strict']);
  assert.equal(nameOf('nameless'), 'crm+nameless');
  assert.equal(nameOf('nameless', 'strict'), 'strict');
  assert.ok(profiles.of(['strict']) === profiles.of(['strict']), 'made once');
  assert.equal(profilesFor({ profiles: [STRICT] }).profiles.of([]), null);
});

test('a name that the resource lacks shows nothing by mistake: it is not known what may be shown', () => {
  const { profiles } = profilesFor(PRIVACY);
  assert.equal(profiles.of(['gone']), undefined);
  assert.equal(profiles.of(['strict', 'gone']), undefined);
});

test('a profile may be asked for when it shows no more than what is granted', () => {
  const { profiles } = profilesFor(PRIVACY);
  assert.deepEqual(
    (['crm', 'strict', 'nameless', 'gone'] as const).map((name) => profiles.judge(name, [])),
    ['granted', 'granted', 'wider', 'unknown'],
  );
  assert.equal(profiles.judge('crm', ['strict']), 'wider');
  assert.deepEqual(profiles.grantedWith([]), ['crm', 'strict']);
  assert.deepEqual(profiles.grantedWith(['strict']), ['strict']);
});

test('a change of the resource is in force at once, and an unchanged profile stays the same one', () => {
  const { profiles, live } = profilesFor(PRIVACY);
  const [crm, strict] = [profiles.of([]), profiles.of(['strict'])];
  live.set(privacyOf({ ...PRIVACY, profiles: [{ ...CRM, names: 'Drop' }, STRICT] }));
  assert.ok(strict && isSameRedactor(profiles.of(['strict']) ?? null, strict));
  assert.ok(crm && !isSameRedactor(profiles.of([]) ?? null, crm));
  assert.equal(profiles.of(['nameless']), undefined);
});

/** The paths of all values in a JSON value. */
function pathsOf(value: unknown, path = ''): readonly string[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, `${path}/${key}`))];
}

const FIELDS = ['Local-SDP', 'Caller-ID-Number', 'Owner-ID', 'Mystery', 'App-Name', 'Custom-SIP-Headers', 'My-Var'];
const anyProfile: fc.Arbitrary<PrivacyProfile> = fc
  .record({
    sdp: fc.constantFrom(...STRICTEST_FIRST.sdp),
    network: fc.constantFrom(...STRICTEST_FIRST.network),
    digits: fc.constantFrom(...STRICTEST_FIRST.digits),
    numbers: fc.constantFrom(...STRICTEST_FIRST.numbers),
    names: fc.constantFrom(...STRICTEST_FIRST.names),
    billing: fc.constantFrom(...STRICTEST_FIRST.billing),
    unknownFields: fc.constantFrom(...STRICTEST_FIRST.unknownFields),
    variables: fc.record({
      policy: fc.constantFrom('AllowList', 'Keep'),
      allow: fc.uniqueArray(fc.constantFrom(...FIELDS), { maxLength: 3 }),
    }),
    fields: fc.uniqueArray(fc.record({ name: fc.constantFrom(...FIELDS), action: fc.constantFrom('Keep', 'Drop') }), {
      selector: ({ name }) => name,
      maxLength: 3,
    }),
  })
  .map(profileOf);

test('V2: a stricter profile shows no canary and no value that a wider one hides, in any event', () => {
  const eventOf = canaryEvents(7);
  let compared = 0;
  fc.assert(
    fc.property(anyProfile, anyProfile, (one, other) => {
      const both = strictest(one, other);
      const { text, canaries } = eventOf();
      const show = (profile: PrivacyProfile) => redactorOf(profile, pseudonym).event(Buffer.from(text), 0).toString();
      const least = show(both);
      for (const wider of [one, other]) {
        assert.ok(isAtLeastAsStrict(both, wider));
        const shown = show(wider);
        for (const digits of [...canaries.values()].flat()) {
          if (!least.includes(digits)) continue;
          compared += 1;
          assert.ok(shown.includes(digits), `${digits} is in the stricter one alone`);
        }
        const paths = new Set(pathsOf(JSON.parse(shown)));
        assert.deepEqual(
          pathsOf(JSON.parse(least)).filter((path) => !paths.has(path)),
          [],
        );
      }
    }),
    { numRuns: 1_500 },
  );
  assert.ok(compared > 500, `${compared} canaries were compared`);
});
