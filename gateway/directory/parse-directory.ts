import { buildDirectory } from './account-tree.ts';
import type { Directory } from './directory.ts';
import type { Fault } from './fault.ts';
import { readEntries } from './read-entries.ts';

export type ParsedDirectory =
  { readonly ok: true; readonly directory: Directory } | { readonly ok: false; readonly faults: readonly Fault[] };

/** The directory's text (YAML or JSON) as a snapshot, or all its faults at once. */
export function parseDirectory(text: string): ParsedDirectory {
  const { accounts, users, faults } = readEntries(text);
  const directory = buildDirectory(accounts, users, faults);
  return faults.length === 0 ? { ok: true, directory } : { ok: false, faults };
}
