import { z } from 'zod';
import { accountRule, createAccountRules, type AccountRules } from './legs/account-rules.ts';
import { createChosenVariables, type ChosenVariables } from './legs/chosen-variables.ts';

const MAX_RULES = 10_000;

const fieldName = z.string().regex(/^[A-Za-z0-9_-]{1,128}\*?$/, 'a field name, or its beginning and *');

/** Milliseconds as `250ms`, or seconds as `1s`: at most two seconds, because events wait in memory. */
const hold = z
  .string()
  .regex(/^(\d{1,4}ms|[0-2]s)$/, 'milliseconds as 250ms, at most 2s; 0ms: not at all')
  .transform((value) => (value.endsWith('ms') ? Number(value.slice(0, -2)) : Number(value.slice(0, -1)) * 1_000))
  .refine((value) => value <= 2_000, 'at most 2s');

/** How the events of a switch become those of accounts: the same for all kinds of switches. */
export const mappingSchema = {
  accounts: z
    .strictObject({
      /** FreeSWITCH: a channel variable. Asterisk: one of `channelvars`; AccountCode counts besides. */
      variable: z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/, 'the name of a channel variable')
        .default('account_id'),
      rules: z.array(accountRule).max(MAX_RULES).default([]),
      holdCreate: hold.prefault('250ms'),
    })
    .prefault({}),
  channelVariables: z
    .array(z.string().regex(/^[A-Za-z0-9_.-]{1,128}\*?$/, 'the name of a channel variable, or its beginning and *'))
    .max(32)
    .default([]),
  privacy: z
    .strictObject({
      keep: z.array(fieldName).max(128).default([]),
      remove: z.array(fieldName).max(128).default([]),
    })
    .prefault({}),
  lostCalls: z.enum(['Destroy', 'None']).default('Destroy'),
};

const mapping = z.strictObject(mappingSchema);

export type MappingSpec = z.output<typeof mapping>;

/** What all mappers are made with. */
export interface MappingOptions {
  readonly accounts: AccountRules;
  readonly accountVariable: string;
  readonly holdMs: number;
  readonly chosen: ChosenVariables | null;
  readonly privacy: MappingSpec['privacy'];
  readonly lostCalls: MappingSpec['lostCalls'];
}

export function mappingOptions(spec: MappingSpec): MappingOptions {
  return {
    accounts: createAccountRules(spec.accounts.rules),
    accountVariable: spec.accounts.variable,
    holdMs: spec.accounts.holdCreate,
    chosen: createChosenVariables(spec.channelVariables),
    privacy: spec.privacy,
    lostCalls: spec.lostCalls,
  };
}

/** What an empty configuration means. */
export function defaultMappingOptions(): MappingOptions {
  return mappingOptions(mapping.parse({}));
}
