import { createHmac } from 'node:crypto';
import { subscriptionSchema } from '../../protocol/subscription.ts';
import type { PrivacyProfile } from '../../protocol/subscription/privacy.ts';
import { createLive, type LiveValue } from '../../runtime/lifecycle/live.ts';
import type { Pseudonym } from '../privacy/hide.ts';
import { Profiles, type Privacy } from '../privacy/profiles.ts';
import { redactorOf, type Redactor } from '../privacy/redactor.ts';

export const PSEUDONYM_KEY = 'key of the test';

/** The same at any time. */
export const pseudonym: Pseudonym = (kind, text) =>
  `${kind}_${createHmac('sha256', PSEUDONYM_KEY).update(`${kind}:${text}`).digest('base64url').slice(0, 16)}`;

/** Shows everything. */
export const OPEN_PROFILE = {
  sdp: 'Keep',
  network: 'Keep',
  digits: 'Keep',
  numbers: 'Keep',
  names: 'Keep',
  billing: 'Keep',
  variables: { policy: 'Keep' },
  unknownFields: 'Keep',
} as const;

/** A resource with this `spec.privacy`. */
export const resourceWith = (privacy: object) => ({
  apiVersion: 'firehose.dev/v1alpha1',
  kind: 'FirehoseSubscription',
  metadata: { name: 'r' },
  spec: { account: { id: 'a' }, privacy },
});

export function privacyOf(privacy: object): Privacy {
  return subscriptionSchema.parse(resourceWith(privacy)).spec.privacy;
}

/** A profile with the resource's defaults for absent fields. */
export function profileOf(profile: object): PrivacyProfile {
  const [made] = privacyOf({ profiles: [{ name: 'p', ...profile }] }).profiles;
  if (made === undefined) throw new Error('unreachable: it has one');
  return made;
}

export function redactorFor(profile: object): Redactor {
  return redactorOf(profileOf(profile), pseudonym);
}

/** The profiles of a resource, and a way to change them. */
export function profilesFor(privacy: object = {}): { profiles: Profiles; live: LiveValue<Privacy> } {
  const live = createLive(privacyOf(privacy));
  return { profiles: new Profiles(live, pseudonym), live };
}
