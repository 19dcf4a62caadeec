import { z } from 'zod';
import type { AccountRule } from '../../protocol/source-spec/mapping.ts';
import { accountId } from '../../protocol/subscription/filters.ts';
import { parseYaml } from '../../runtime/files/parse-yaml.ts';
import { readText, unreadable } from '../../runtime/files/text-file.ts';

/** The part of a gateway's `directory.yaml` that decides the account of a call. */
const directory = z.looseObject({
  accounts: z.array(z.looseObject({ id: accountId(), realm: z.string().min(1).max(253).optional() })).max(1_000_000),
});

/** A rule for each account with a realm: calls of that SIP domain belong to the account. */
export async function readDirectoryRules(
  path: string,
): Promise<{ readonly rules: readonly AccountRule[]; readonly faults: readonly string[] }> {
  let text: string;
  try {
    text = await readText(path);
  } catch (error) {
    return { rules: [], faults: [`${path}: ${unreadable(error)}`] };
  }
  const { value, faults } = parseYaml(text, path, directory);
  if (value === null) return { rules: [], faults };
  const rules = value.accounts.flatMap(({ id, realm }) =>
    realm === undefined ? [] : [{ match: { domain: realm }, account: id }],
  );
  return { rules, faults: [] };
}
