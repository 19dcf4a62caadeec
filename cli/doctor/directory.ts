import { readFile } from 'node:fs/promises';
import { isActive } from '../../gateway/directory/directory.ts';
import { parseDirectory } from '../../gateway/directory/parse-directory.ts';
import { readEntries } from '../../gateway/directory/read-entries.ts';
import type { GatewayConfig } from '../../gateway/config.ts';
import { about, type Finding } from './finding.ts';

const MOST_FAULTS = 100;

/** Accounts and users: every fault of the file, and what the subscription names that it does not hold. */
export async function lookAtDirectory(file: string, config: GatewayConfig | null): Promise<readonly Finding[]> {
  const say = about('directory', file);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    return [say.fail(`cannot be read (${code})`, 'put directory.yaml beside subscription.yaml, readable')];
  }
  const parsed = parseDirectory(text);
  if (!parsed.ok) {
    const told = parsed.faults.slice(0, MOST_FAULTS);
    const findings = told.map(({ where, message }) => say.fail(`${where}: ${message}`, 'fix this entry'));
    const more = parsed.faults.length - told.length;
    return more === 0 ? findings : [...findings, say.fail(`and ${more} more faults`, 'fix those above first')];
  }
  const { accounts } = parsed.directory;
  const users = readEntries(text).users.length;
  const findings: Finding[] = [];
  if (users === 0) findings.push(say.warn('there is no user', 'add one: nobody can log in'));
  if (config !== null) findings.push(...missing(config, parsed.directory, say));
  if (config?.isQuickstart === true && config.redis !== null) {
    findings.push(
      say.warn("this is the quickstart's, whose password everybody knows", 'name your own by FIREHOSE_CONFIG'),
    );
  }
  return findings.length > 0 ? findings : [say.ok(`${accounts.size} accounts, ${users} users`)];
}

function missing(
  { subscription }: GatewayConfig,
  { accounts }: { readonly accounts: ReadonlyMap<string, Parameters<typeof isActive>[0]> },
  say: ReturnType<typeof about>,
): Finding[] {
  const { account, filters } = subscription.spec;
  const served = accounts.get(account.id);
  const findings: Finding[] = [];
  if (served === undefined) {
    findings.push(say.fail(`does not hold spec.account.id ${account.id}`, 'add the account: nobody can log in'));
  } else if (!isActive(served)) {
    findings.push(
      say.warn(`spec.account.id ${account.id} is disabled`, 'enable it and all above it: nobody can log in'),
    );
  }
  const absent = filters.accounts.filter((id) => !accounts.has(id));
  if (absent.length > 0) {
    findings.push(
      say.warn(`does not hold ${absent.join(', ')} of spec.filters.accounts`, 'add them, or drop them there'),
    );
  }
  return findings;
}
