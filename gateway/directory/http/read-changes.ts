import { z } from 'zod';
import type { DirectoryChanges } from '../change-directory.ts';
import { readLineEntries } from '../read-entries.ts';
import { MOST_CHANGES } from './changes.ts';

const removedSchema = z.strictObject({
  removed: z.union([z.strictObject({ id: z.string() }), z.strictObject({ username: z.string(), account: z.string() })]),
});

/** Parses lines of changes; null when they are not valid or too many. Pure. */
export function readChanges(text: string): DirectoryChanges | null {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length > MOST_CHANGES) return null;
  const removed = lines.map(removedBy);
  const entries = readLineEntries(
    lines.filter((_, at) => removed[at] === null),
    false,
  );
  if (entries.faults.length > 0) return null;
  const gone = removed.filter((one) => one !== null);
  return {
    accounts: entries.accounts,
    users: entries.users,
    removedAccounts: gone.flatMap((one) => ('id' in one ? [one.id] : [])),
    removedUsers: gone.flatMap((one) => ('id' in one ? [] : [one])),
  };
}

/** Null for a line that removes nothing. */
function removedBy(line: string): z.output<typeof removedSchema>['removed'] | null {
  if (!line.includes('"removed"')) return null;
  try {
    return removedSchema.safeParse(JSON.parse(line)).data?.removed ?? null;
  } catch {
    // Reading it as an entry reports the fault.
    return null;
  }
}
