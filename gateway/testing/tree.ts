import { buildDirectory } from '../directory/account-tree.ts';
import type { Directory } from '../directory/directory.ts';

/** A directory of these (id, parent) pairs without users; names and realms follow the ids. */
export function treeOf(accounts: readonly (readonly [id: string, parent: string | null])[]): Directory {
  const entries = accounts.map(([id, parent], index) => ({
    where: `accounts[${index}]`,
    id,
    name: `name-${id}`,
    realm: `${id}.sip.example.com`,
    parent,
    enabled: true,
  }));
  return buildDirectory(entries, [], []);
}
