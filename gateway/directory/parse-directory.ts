import { buildDirectory } from './account-tree.ts';
import type { IndexedDirectory } from './directory-index.ts';
import type { Fault } from './fault.ts';
import { readEntries, type Entries } from './read-entries.ts';

export type ParsedDirectory =
  | { readonly ok: true; readonly directory: IndexedDirectory }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** The directory's text (YAML or JSON) as a snapshot, or all its faults at once. */
export function parseDirectory(text: string): ParsedDirectory {
  return directoryFrom(readEntries(text));
}

/** Entries as a snapshot, or all faults at once. */
export function directoryFrom({ accounts, users, faults }: Entries): ParsedDirectory {
  const directory = buildDirectory(accounts, users, faults);
  return faults.length === 0 ? { ok: true, directory } : { ok: false, faults };
}
