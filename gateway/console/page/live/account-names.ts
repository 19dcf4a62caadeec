/** Names of accounts, as events say them: ids say little to a person. Bounded: a platform may have more accounts than a page needs. */
const MOST = 5_000;
const names = new Map<string, string>();

export function learnAccount(id: string, name: string | null): void {
  if (names.size < MOST || names.has(id)) names.set(id, name ?? names.get(id) ?? '');
}

/** Its name where one is known, else its id. */
export function accountName(id: string): string {
  return names.get(id) || id;
}

export function knownAccounts(): ReadonlyMap<string, string> {
  return names;
}
