import type { AccountRule } from '../../protocol/source-spec/mapping.ts';
import { createAccountRules, type AccountRules } from '../legs/account-rules.ts';

/** The rules in force. Mappers that hold this object follow each change. */
export interface LiveRules {
  readonly rules: AccountRules;
  set(rules: readonly AccountRule[]): void;
}

export function createLiveRules(initial: readonly AccountRule[]): LiveRules {
  let current = createAccountRules(initial);
  return {
    rules: {
      accountOf: (hints) => current.accountOf(hints),
      realmOf: (account) => current.realmOf(account),
      get readAccountCode() {
        return current.readAccountCode;
      },
    },
    set(rules) {
      current = createAccountRules(rules);
    },
  };
}
