import { z } from 'zod';
import { listOf, ruled, setOf } from './rules.ts';

const MOST_PROFILES = 8;
const MOST_RULES = 64;
/** What routes and orders an event: a client could do nothing without them. */
const ALWAYS_KEPT = ['Event-Name', 'Call-ID'];

const fieldName = z.string().min(1).max(128);

const fieldRule = ruled(
  z.strictObject({
    name: fieldName,
    action: z.enum(['Keep', 'Drop']),
  }),
  {
    cel: `!(self.name in [${ALWAYS_KEPT.map((name) => `'${name}'`).join(', ')}])`,
    holds: ({ name }) => !ALWAYS_KEPT.includes(name),
    message: 'Event-Name and Call-ID are in every event: no rule names them',
    field: 'name',
  },
);

const dropOrKeep = () => z.enum(['Drop', 'Keep']).default('Drop');

/** What is left out is hidden: a profile lists what its readers may see. */
const profile = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(63)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'a DNS label'),
  sdp: dropOrKeep(),
  network: dropOrKeep(),
  digits: z.enum(['Drop', 'Mask', 'Keep']).default('Drop'),
  numbers: z.enum(['Drop', 'Pseudonym', 'Last4', 'Keep']).default('Pseudonym'),
  names: z.enum(['Drop', 'Pseudonym', 'Keep']).default('Drop'),
  billing: dropOrKeep(),
  variables: z
    .strictObject({
      policy: z.enum(['AllowList', 'Keep']).default('AllowList'),
      /** Names of the channel's variables that are kept. */
      allow: setOf(fieldName, MOST_RULES).default([]),
    })
    .prefault({}),
  unknownFields: dropOrKeep(),
  /** Of single fields, whatever their class says. */
  fields: listOf(fieldRule, MOST_RULES).default([]),
});

export type PrivacyProfile = z.output<typeof profile>;

/** What the clients of a resource see of personal data. */
export const privacy = ruled(
  z.strictObject({
    profiles: z
      .array(profile)
      .max(MOST_PROFILES)
      .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, 'names a profile twice')
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .default([]),
    /** The profile of every connection; empty: events are sent as they are. */
    default: z.string().max(63).default(''),
  }),
  {
    cel: "self.default == '' || self.profiles.exists(profile, profile.name == self.default)",
    holds: ({ profiles, default: name }) => name === '' || profiles.some((one) => one.name === name),
    message: 'privacy.default names a profile of privacy.profiles',
    field: 'default',
  },
);
