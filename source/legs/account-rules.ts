import { z } from 'zod';

const HINTS = ['domain', 'accountCode', 'context', 'did'] as const;

/** Fields of a leg by which a rule can choose an account; empty when the switch does not give them. */
type AccountHints = Readonly<Partial<Record<(typeof HINTS)[number], string>>>;

const pattern = z
  .string()
  .regex(/^[^*]{1,253}\*?$|^\*$/, 'an exact value, or a prefix and * at its end')
  .optional();

const accountId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'an account id: 1 to 64 of A-Z a-z 0-9 _ -');

/** One rule: all fields in `match` must match. */
export const accountRule = z.strictObject({
  match: z
    .strictObject({ domain: pattern, accountCode: pattern, context: pattern, did: pattern })
    .refine(
      (match) => Object.values(match).some((value) => value !== undefined),
      'at least one of domain, accountCode, context, did',
    ),
  account: accountId,
});

export type AccountRule = z.output<typeof accountRule>;

export interface AccountRules {
  /** The account of the first rule that matches; empty without one. */
  accountOf(hints: AccountHints): string;
  /** Whether any rule looks at accountCode. */
  readonly readAccountCode: boolean;
  /** The realm of an account: the exact domain of its first rule that has one; empty when there is none. */
  realmOf(account: string): string;
}

export function createAccountRules(rules: readonly AccountRule[]): AccountRules {
  const compiled = rules.map(({ match, account }) => ({
    account,
    tests: HINTS.flatMap((hint) => (match[hint] === undefined ? [] : [{ hint, fits: matcher(hint, match[hint]) }])),
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

/** Domains are compared without regard to case (RFC 4343); an absent value fits nothing. */
function matcher(hint: (typeof HINTS)[number], pattern: string): (value: string) => boolean {
  const fold = (text: string) => (hint === 'domain' ? text.toLowerCase() : text);
  const wanted = fold(pattern);
  if (!wanted.endsWith('*')) return (value) => value !== '' && fold(value) === wanted;
  const prefix = wanted.slice(0, -1);
  return (value) => value !== '' && fold(value).startsWith(prefix);
}
