import { privacyClass } from './privacy-class.ts';
import { STRICTEST_FIRST, type PrivacyProfile } from './subscription/privacy.ts';

/**
 * Compares privacy profiles. Profiles are a lattice: class by class each is stricter, equal or wider, and any two of
 * them have a strictest one below them. All of this is pure. Where rules for single fields cannot be compared exactly,
 * the result is the stricter one.
 */

type Graded = keyof typeof STRICTEST_FIRST;
const GRADED = Object.keys(STRICTEST_FIRST) as readonly Graded[];

/** Whether `other` also shows everything that `one` shows. */
export function isAtLeastAsStrict(one: PrivacyProfile, other: PrivacyProfile): boolean {
  return (
    GRADED.every((of) => rank(of, one) <= rank(of, other)) &&
    isWithin(one.variables, other.variables) &&
    ruled(one, 'Keep').every((field) => keepsWhole(other, field)) &&
    ruled(other, 'Drop').every((field) => dropsWhole(one, field))
  );
}

/** What both profiles show: one of the two if it is as strict as the other, else the stricter of each class. */
export function strictest(one: PrivacyProfile, other: PrivacyProfile): PrivacyProfile {
  if (isAtLeastAsStrict(one, other)) return one;
  if (isAtLeastAsStrict(other, one)) return other;
  const dropped = new Set([...ruled(one, 'Drop'), ...ruled(other, 'Drop')]);
  const kept = ruled(one, 'Keep').filter((field) => !dropped.has(field) && ruled(other, 'Keep').includes(field));
  return {
    // The same name for the same pair, in any order.
    name: [one.name, other.name].toSorted().join('+'),
    ...(Object.fromEntries(GRADED.map((of) => [of, stricterOf(of, one, other)])) as Pick<PrivacyProfile, Graded>),
    variables: intersection(one.variables, other.variables),
    fields: [
      ...[...dropped].map((name) => ({ name, action: 'Drop' as const })),
      ...kept.map((name) => ({ name, action: 'Keep' as const })),
    ].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/** 0 is the strictest. */
function rank(of: Graded, profile: PrivacyProfile): number {
  const order: readonly string[] = STRICTEST_FIRST[of];
  return order.indexOf(profile[of]);
}

function stricterOf(of: Graded, one: PrivacyProfile, other: PrivacyProfile): string {
  return rank(of, one) <= rank(of, other) ? one[of] : other[of];
}

type Variables = PrivacyProfile['variables'];

function isWithin(one: Variables, other: Variables): boolean {
  if (other.policy === 'Keep') return true;
  return one.policy === 'AllowList' && allowed(one).every((name) => allowed(other).includes(name));
}

function intersection(one: Variables, other: Variables): Variables {
  if (one.policy === 'Keep') return other.policy === 'Keep' ? { policy: 'Keep', allow: [] } : other;
  if (other.policy === 'Keep') return one;
  return {
    policy: 'AllowList',
    allow: allowed(one)
      .filter((name) => allowed(other).includes(name))
      .toSorted(),
  };
}

/** Names are compared without case, as fields are. */
function allowed({ allow }: Variables): readonly string[] {
  return allow.map((name) => name.toLowerCase());
}

function ruled({ fields }: PrivacyProfile, wanted: 'Keep' | 'Drop'): readonly string[] {
  return fields.filter(({ action }) => action === wanted).map(({ name }) => name.toLowerCase());
}

/** Whether the profile shows this field unchanged, anywhere in an event. */
function keepsWhole(profile: PrivacyProfile, field: string): boolean {
  if (ruled(profile, 'Keep').includes(field)) return true;
  if (ruled(profile, 'Drop').includes(field)) return false;
  if (profile.variables.policy !== 'Keep' && !allowed(profile.variables).includes(field)) return false;
  const of = privacyClass(field);
  // The content of a field without a class is judged by the names inside of it.
  if (of === 'variables' || of === 'signal' || of === 'unknown') return false;
  if (of === 'numbers' || of === 'network') return profile.numbers === 'Keep' && profile.network === 'Keep';
  return profile[of] === 'Keep';
}

/** Whether the profile shows nothing of this field, anywhere in an event. */
function dropsWhole(profile: PrivacyProfile, field: string): boolean {
  if (ruled(profile, 'Drop').includes(field)) return true;
  if (ruled(profile, 'Keep').includes(field)) return false;
  const of = privacyClass(field);
  return of !== 'variables' && of !== 'signal' && of !== 'unknown' && profile[of] === 'Drop';
}
