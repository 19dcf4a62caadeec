import { z } from 'zod';
import { accountId } from '../subscription/filters.ts';
import { listOf, ruled, secretRef, setOf } from '../subscription/rules.ts';
import { followed, platformOnly } from '../subscription/takes-effect.ts';
import { durationMs } from '../subscription/duration.ts';

const MAX_RULES = 10_000;

/** Fields of a leg by which a rule can choose an account. */
export const ACCOUNT_HINTS = ['domain', 'accountCode', 'context', 'did'] as const;

const pattern = z
  .string()
  .max(254)
  .regex(/^[^*]{1,253}\*?$|^\*$/, 'an exact value, or a prefix and * at its end')
  .optional();

/** One rule: all fields in `match` must match. */
export const accountRule = z.strictObject({
  match: z
    .strictObject({ domain: pattern, accountCode: pattern, context: pattern, did: pattern })
    .refine(
      (match) => Object.values(match).some((value) => value !== undefined),
      'at least one of domain, accountCode, context, did',
    )
    .meta({ minProperties: 1 }),
  account: accountId(),
});
export type AccountRule = z.output<typeof accountRule>;

/** Milliseconds as `250ms`, or seconds as `1s`: at most two seconds, because events wait in memory. */
const hold = ruled(
  z
    .string()
    .max(6)
    .regex(/^([0-9]{1,4}ms|[0-2]s)$/, { error: 'milliseconds as 250ms, at most 2s; 0ms: not at all', abort: true }),
  {
    cel: "duration(self) <= duration('2s')",
    holds: (text) => durationMs(text) <= 2_000,
    message: 'at most 2s',
  },
);

const fieldName = z
  .string()
  .max(129)
  .regex(/^[A-Za-z0-9_-]{1,128}\*?$/, 'a field name, or its beginning and *');
const variableName = z
  .string()
  .max(129)
  .regex(/^[A-Za-z0-9_.-]{1,128}\*?$/, 'the name of a channel variable, or its beginning and *');

const accounts = z.strictObject({
  /** FreeSWITCH: a channel variable. Asterisk: one of `channelvars`; AccountCode also counts. */
  variable: z
    .string()
    .max(128)
    .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/, 'the name of a channel variable')
    .default('account_id'),
  rules: followed(listOf(accountRule, MAX_RULES).default([])),
  /** The realms of the directory also choose accounts; the rules come first. */
  fromDirectory: z.boolean().default(false),
  /** The directory, in a cluster; a standalone process has `FIREHOSE_SOURCE_DIRECTORY`. */
  directorySecretRef: platformOnly(secretRef('directory.yaml').optional()),
  /** How long the events of a leg wait for a later one that names its account. */
  holdCreate: hold.default('250ms'),
});

/** How the events of a switch are assigned to accounts: the same for all kinds of switches. */
export const mappingFields = {
  accounts: accounts.prefault({}),
  /** Channel variables in events, as `Custom-Application-Vars`. */
  channelVariables: setOf(variableName, 32).default([]),
  /**
   * Fields of the switch that are visible to tenants although they are hidden by default, and further hidden fields.
   */
  privacy: z
    .strictObject({ keep: setOf(fieldName, 128).default([]), remove: setOf(fieldName, 128).default([]) })
    .prefault({}),
  /** Whether a leg that ended without a listener gets a synthetic CHANNEL_DESTROY. */
  lostCalls: z.enum(['Destroy', 'None']).default('Destroy'),
};

const mapping = z.strictObject(mappingFields);
export type MappingSpec = z.output<typeof mapping>;

/** The result of an empty configuration. */
export const DEFAULT_MAPPING: MappingSpec = mapping.parse({});
