import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isAtLeastAsStrict, strictest } from './privacy-lattice.ts';
import { STRICTEST_FIRST, type PrivacyProfile } from './subscription/privacy.ts';

const FIELDS = ['Local-SDP', 'Caller-ID-Number', 'Caller-ID-Name', 'Owner-ID', 'Mystery', 'App-Name', 'Switch-URI'];

const rules = fc.uniqueArray(
  fc.record({ name: fc.constantFrom(...FIELDS), action: fc.constantFrom('Keep' as const, 'Drop' as const) }),
  { selector: ({ name }) => name, maxLength: 4 },
);

const graded = fc.record({
  sdp: fc.constantFrom(...STRICTEST_FIRST.sdp),
  network: fc.constantFrom(...STRICTEST_FIRST.network),
  digits: fc.constantFrom(...STRICTEST_FIRST.digits),
  numbers: fc.constantFrom(...STRICTEST_FIRST.numbers),
  names: fc.constantFrom(...STRICTEST_FIRST.names),
  billing: fc.constantFrom(...STRICTEST_FIRST.billing),
  unknownFields: fc.constantFrom(...STRICTEST_FIRST.unknownFields),
});

const profiles: fc.Arbitrary<PrivacyProfile> = fc
  .record({
    name: fc.constantFrom('a', 'b', 'c'),
    graded,
    policy: fc.constantFrom('AllowList' as const, 'Keep' as const),
    allow: fc.uniqueArray(fc.constantFrom(...FIELDS), { maxLength: 3 }),
    fields: rules,
  })
  .map(({ name, graded: classes, policy, allow, fields }) => ({
    name,
    ...classes,
    variables: { policy, allow },
    fields,
  }));

test('V2: a profile is as strict as itself, and two that are as strict as each other show the same classes', () => {
  fc.assert(
    fc.property(profiles, profiles, (one, other) => {
      assert.ok(isAtLeastAsStrict(one, one));
      if (isAtLeastAsStrict(one, other) && isAtLeastAsStrict(other, one)) assert.equal(one.numbers, other.numbers);
    }),
    { numRuns: 2_000 },
  );
});

test('V2: what is stricter than a stricter one is stricter', () => {
  fc.assert(
    fc.property(profiles, profiles, profiles, (a, b, c) => {
      const middle = strictest(b, c);
      const least = strictest(a, middle);
      assert.ok(isAtLeastAsStrict(least, c));
    }),
    { numRuns: 2_000 },
  );
});

test('V2: of two profiles holds what is at least as strict as both, whichever comes first', () => {
  fc.assert(
    fc.property(profiles, profiles, (one, other) => {
      const both = strictest(one, other);
      assert.ok(isAtLeastAsStrict(both, one) && isAtLeastAsStrict(both, other));
      if (isAtLeastAsStrict(one, other) && isAtLeastAsStrict(other, one)) return;
      assert.deepEqual(both, strictest(other, one));
    }),
    { numRuns: 2_000 },
  );
});

test('a profile that is as strict in every class but one is not as strict', () => {
  const strict = {
    name: 'strict',
    ...(Object.fromEntries(Object.entries(STRICTEST_FIRST).map(([of, order]) => [of, order[0]])) as {
      [Of in keyof typeof STRICTEST_FIRST]: (typeof STRICTEST_FIRST)[Of][0];
    }),
    variables: { policy: 'AllowList' as const, allow: [] },
    fields: [],
  };
  for (const [of, order] of Object.entries(STRICTEST_FIRST)) {
    for (const wider of order.slice(1)) {
      const other = { ...strict, [of]: wider };
      assert.deepEqual([isAtLeastAsStrict(strict, other), isAtLeastAsStrict(other, strict)], [true, false], of);
    }
  }
  const allowing = { ...strict, variables: { policy: 'AllowList' as const, allow: ['Owner-ID'] } };
  assert.deepEqual([isAtLeastAsStrict(strict, allowing), isAtLeastAsStrict(allowing, strict)], [true, false]);
  const ruled = { ...strict, fields: [{ name: 'Local-SDP', action: 'Keep' as const }] };
  assert.deepEqual([isAtLeastAsStrict(strict, ruled), isAtLeastAsStrict(ruled, strict)], [true, false]);
});

test('two profiles that each hide something else are joined: both names, the stricter of each class', () => {
  const base = { sdp: 'Keep', network: 'Keep', digits: 'Keep', billing: 'Keep', unknownFields: 'Keep' } as const;
  const variables = { policy: 'Keep' as const, allow: [] };
  const one: PrivacyProfile = { name: 'one', ...base, numbers: 'Last4', names: 'Keep', variables, fields: [] };
  const other: PrivacyProfile = { name: 'another', ...base, numbers: 'Keep', names: 'Drop', variables, fields: [] };
  const { name, numbers, names } = strictest(one, other);
  assert.deepEqual([name, numbers, names], ['another+one', 'Last4', 'Drop']);
});
