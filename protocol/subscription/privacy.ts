import { z } from 'zod';
import { PSEUDONYM_KEYS_FILE } from '../pseudonym-keys.ts';
import { listOf, ruled, secretRef, setOf } from './rules.ts';
import { platformOnly } from './takes-effect.ts';

export const MOST_PROFILES = 8;
const MOST_RULES = 64;
export const MAX_PROFILE_NAME = 63;
export const PROFILE_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
/** Fields that route and order an event: clients need them in any case. */
const ALWAYS_KEPT = ['event-name', 'call-id'];

const fieldName = z.string().min(1).max(128);

const fieldRule = ruled(
  z.strictObject({
    name: fieldName,
    action: z.enum(['Keep', 'Drop']),
  }),
  {
    cel: `!(self.name.lowerAscii() in [${ALWAYS_KEPT.map((name) => `'${name}'`).join(', ')}])`,
    holds: ({ name }) => !ALWAYS_KEPT.includes(name.toLowerCase()),
    message: 'Event-Name and Call-ID are in every event: no rule names them',
    field: 'name',
  },
);

/** Possible rules for each class, the strictest first: the order decides which of two profiles is stricter. */
export const STRICTEST_FIRST = {
  sdp: ['Drop', 'Keep'],
  network: ['Drop', 'Keep'],
  digits: ['Drop', 'Mask', 'Keep'],
  numbers: ['Drop', 'Pseudonym', 'Last4', 'Keep'],
  names: ['Drop', 'Pseudonym', 'Keep'],
  billing: ['Drop', 'Keep'],
  unknownFields: ['Drop', 'Keep'],
} as const;

/** Absent classes are hidden: a profile lists what its readers may see. */
const profile = z.strictObject({
  name: z.string().min(1).max(MAX_PROFILE_NAME).regex(PROFILE_NAME, 'a DNS label'),
  sdp: z.enum(STRICTEST_FIRST.sdp).default('Drop'),
  network: z.enum(STRICTEST_FIRST.network).default('Drop'),
  digits: z.enum(STRICTEST_FIRST.digits).default('Drop'),
  numbers: z.enum(STRICTEST_FIRST.numbers).default('Pseudonym'),
  names: z.enum(STRICTEST_FIRST.names).default('Drop'),
  billing: z.enum(STRICTEST_FIRST.billing).default('Drop'),
  variables: z
    .strictObject({
      policy: z.enum(['AllowList', 'Keep']).default('AllowList'),
      /** Names of the kept channel variables. */
      allow: setOf(fieldName, MOST_RULES).default([]),
    })
    .prefault({}),
  unknownFields: z.enum(STRICTEST_FIRST.unknownFields).default('Drop'),
  /** Rules for single fields, which override their class. */
  fields: listOf(fieldRule, MOST_RULES).default([]),
});

export type PrivacyProfile = z.output<typeof profile>;

/**
 * What the clients of a resource see of personal data. A user may have a profile of its own: see `privacy-lattice.ts`.
 */
export const privacy = ruled(
  z.strictObject({
    profiles: z
      .array(profile)
      .max(MOST_PROFILES)
      .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, 'names a profile twice')
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .default([]),
    /** The profile of every connection, unless that of its user is stricter; empty: events are sent unchanged. */
    default: z.string().max(MAX_PROFILE_NAME).default(''),
    /** Keys of pseudonyms that the platform rotates; absent: one key that lives as long as the log. */
    pseudonymKeySecretRef: platformOnly(secretRef(PSEUDONYM_KEYS_FILE).optional()),
  }),
  {
    cel: "self.default == '' || self.profiles.exists(profile, profile.name == self.default)",
    holds: ({ profiles, default: name }) => name === '' || profiles.some((one) => one.name === name),
    message: 'privacy.default names a profile of privacy.profiles',
    field: 'default',
  },
);
