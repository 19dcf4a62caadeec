import { ACCOUNT_HINTS, type AccountRule } from '../../protocol/source-spec/mapping.ts';

/** Fields of a leg by which a rule can choose an account; empty when the switch does not send them. */
type AccountHints = Readonly<Partial<Record<(typeof ACCOUNT_HINTS)[number], string>>>;

export interface AccountRules {
  /** The account of the first rule that matches; empty when none does. */
  accountOf(hints: AccountHints): string;
  /** Whether any rule uses accountCode. */
  readonly readAccountCode: boolean;
  /** The realm of an account: the exact domain of its first rule that has one; empty when none has. */
  realmOf(account: string): string;
}

export function createAccountRules(rules: readonly AccountRule[]): AccountRules {
  const compiled = rules.map(({ match, account }) => ({
    account,
    tests: ACCOUNT_HINTS.flatMap((hint) =>
      match[hint] === undefined ? [] : [{ hint, fits: matcher(hint, match[hint]) }],
    ),
  }));
  const realms = new Map<string, string>();
  for (const { match, account } of rules) {
    const domain = match.domain;
    if (domain !== undefined && !domain.endsWith('*') && !realms.has(account)) realms.set(account, domain);
  }
  return {
    accountOf: (hints) =>
      compiled.find(({ tests }) => tests.every(({ hint, fits }) => fits(hints[hint] ?? '')))?.account ?? '',
    readAccountCode: rules.some(({ match }) => match.accountCode !== undefined),
    realmOf: (account) => realms.get(account) ?? '',
  };
}

/** Domains are compared without regard to case (RFC 4343). An absent value matches nothing. */
function matcher(hint: (typeof ACCOUNT_HINTS)[number], pattern: string): (value: string) => boolean {
  const fold = (text: string) => (hint === 'domain' ? text.toLowerCase() : text);
  const wanted = fold(pattern);
  if (!wanted.endsWith('*')) return (value) => value !== '' && fold(value) === wanted;
  const prefix = wanted.slice(0, -1);
  return (value) => value !== '' && fold(value).startsWith(prefix);
}
