import { DEFAULT_MAPPING, type MappingSpec } from '../protocol/source-spec/mapping.ts';
import { durationMs } from '../protocol/subscription/duration.ts';
import { createAccountRules, type AccountRules } from './legs/account-rules.ts';
import { createChosenVariables, type ChosenVariables } from './legs/chosen-variables.ts';

/** Options of all mappers. */
export interface MappingOptions {
  readonly accounts: AccountRules;
  readonly accountVariable: string;
  readonly holdMs: number;
  readonly chosen: ChosenVariables | null;
  readonly privacy: MappingSpec['privacy'];
  readonly lostCalls: MappingSpec['lostCalls'];
  /** Pseudonym of a switch by its name; '' for none. For a bus, by the switch's name in its messages. */
  readonly switchId: (name: string) => string;
}

export function mappingOptions(spec: MappingSpec): MappingOptions {
  return {
    accounts: createAccountRules(spec.accounts.rules),
    accountVariable: spec.accounts.variable,
    holdMs: durationMs(spec.accounts.holdCreate),
    chosen: createChosenVariables(spec.channelVariables),
    privacy: spec.privacy,
    lostCalls: spec.lostCalls,
    switchId: () => '',
  };
}

/** The options of an empty configuration. */
export function defaultMappingOptions(): MappingOptions {
  return mappingOptions(DEFAULT_MAPPING);
}
