import { loadDirectory } from '../../gateway/directory/load-directory.ts';
import type { IndexedDirectory } from '../../gateway/directory/directory-index.ts';
import { isActive } from '../../gateway/directory/directory.ts';
import { DirectoryFault } from '../../gateway/directory/fault.ts';
import type { GatewayConfig } from '../../gateway/config.ts';
import { about, type Finding } from '../../protocol/finding.ts';

const MOST_FAULTS = 100;
const MOST_NAMES = 10;

/** Accounts and users: every fault of file or server, and names in the subscription that the directory lacks. */
export async function lookAtDirectory(file: string, config: GatewayConfig | null): Promise<readonly Finding[]> {
  const server = config?.directoryServer ?? null;
  const say = about('directory', server === null ? file : server.url.origin + server.url.pathname);
  let directory: IndexedDirectory;
  try {
    directory = await loadDirectory({ directoryFile: file, directoryServer: server });
  } catch (error) {
    if (!(error instanceof DirectoryFault)) throw error;
    return faultsOf(error, say);
  }
  const { accounts, ambiguousNames, index } = directory;
  const findings: Finding[] = [];
  if (index.users.size === 0) findings.push(say.warn('there is no user', 'add one: nobody can log in'));
  if (ambiguousNames.length > 0) findings.push(ambiguous(ambiguousNames, say));
  if (config !== null) findings.push(...missing(config, directory, say));
  if (config?.isQuickstart === true && config.redis !== null) {
    findings.push(
      say.warn("this is the quickstart's, whose password everybody knows", 'name your own by FIREHOSE_CONFIG'),
    );
  }
  return findings.length > 0 ? findings : [say.ok(`${accounts.size} accounts, ${index.users.size} users`)];
}

function faultsOf({ code, faults }: DirectoryFault, say: ReturnType<typeof about>): readonly Finding[] {
  if (code === 'directory_unreadable') {
    const fix = 'put directory.yaml beside subscription.yaml, readable';
    return faults.map(({ message }) => say.fail(message, fix));
  }
  const isOfEntries = code === 'directory_invalid';
  const told = faults.slice(0, MOST_FAULTS);
  const findings = told.map(({ where, message }) =>
    isOfEntries ? say.fail(`${where}: ${message}`, 'fix this entry') : say.fail(message, FIXES[code] ?? FIX),
  );
  const more = faults.length - told.length;
  return more === 0 ? findings : [...findings, say.fail(`and ${more} more faults`, 'fix those above first')];
}

const FIX = 'make its server answer as docs/directory.md says';
const FIXES: Readonly<Record<string, string>> = {
  directory_unreachable: 'start the server, and let gateways reach it',
  directory_address_refused: 'give the server an address that the platform allows',
  directory_certificate: 'name the authority of its certificate in auth.directory.http.caSecretRef',
  directory_timeout: 'make it answer within 10 s: all of it, as gzip',
};

/** Most of them that are named. */
function ambiguous(names: readonly string[], say: ReturnType<typeof about>): Finding {
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  const seen = `${names.slice(0, MOST_NAMES).join(', ')}${more}: the name of several accounts, or the realm of another`;
  return say.warn(seen, 'log in by the realm: no login finds an account by these names');
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
