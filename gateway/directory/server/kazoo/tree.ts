import type { ServedAccount } from '../entries.ts';
import { SourceUnavailable, type AccountChanges } from '../feed.ts';
import type { AccountDocument, AccountRow } from './answers.ts';
import { atOnce } from './at-once.ts';
import type { Crossbar } from './crossbar.ts';
import { placeInTree } from './place-in-tree.ts';

/** Concurrent requests for single accounts. */
const AT_ONCE = 8;
/** Every so many walks, the document of each account is requested even without a change. */
const EVERY_WALKS = 6;

/** The known accounts below a root account of Kazoo. */
export class KazooTree {
  readonly #api: Crossbar;
  readonly #wanted: string | null;
  readonly #accounts = new Map<string, ServedAccount>();
  #root = '';
  /** Ancestors of the root. */
  #above: ReadonlySet<string> = new Set();
  #walks = 0;
  /** Accounts that `refresh` read during a walk: they are newer than those of the walk. */
  #touched: Set<string> | null = null;

  /** `root`: null for the account of the API key. */
  constructor(api: Crossbar, root: string | null) {
    this.#api = api;
    this.#wanted = root;
  }

  get size(): number {
    return this.#accounts.size;
  }

  /**
   * Reads the whole tree. `isCurrent`: no change was missed since the last walk, so that the documents of accounts whose
   * row is the same need not be asked for. Rejects with a SourceUnavailable, and nothing has changed then.
   */
  async walk(isCurrent: boolean, signal: AbortSignal): Promise<readonly ServedAccount[]> {
    this.#touched = new Set();
    try {
      const found = await this.#walk(isCurrent, signal);
      for (const id of this.#touched) {
        const newer = this.#accounts.get(id);
        if (newer === undefined) found.delete(id);
        else found.set(id, newer);
      }
      this.#accounts.clear();
      for (const [id, account] of found) this.#accounts.set(id, account);
      this.#walks += 1;
      return [...found.values()];
    } finally {
      this.#touched = null;
    }
  }

  /**
   * Asks about these accounts alone. `isSure` is false where only a walk tells where one of them is. Rejects with a
   * SourceUnavailable.
   */
  async refresh(
    ids: readonly string[],
    signal: AbortSignal,
  ): Promise<{ readonly changes: AccountChanges; readonly isSure: boolean }> {
    const asked = new Map<string, { document: AccountDocument | null; ancestors: readonly string[] }>();
    await atOnce(ids, AT_ONCE, async (id) => {
      const document = await this.#api.document(id, signal);
      const ancestors = document === null || id === this.#root ? [] : ((await this.#api.ancestors(id, signal)) ?? []);
      asked.set(id, { document, ancestors: ancestors.filter((one) => !this.#above.has(one)) });
    });
    const changes = new Map<string, ServedAccount | null>();
    let isSure = true;
    // In the order of their changes: a subtree moves from its top.
    for (const id of ids) {
      const { document = null, ancestors = [] } = asked.get(id) ?? {};
      const next = this.#judged(id, document, ancestors);
      if (next === 'unknown') {
        isSure = false;
        continue;
      }
      if (next === null && !this.#accounts.has(id)) continue;
      changes.set(id, next);
      this.#touched?.add(id);
      if (next === null) this.#accounts.delete(id);
      else this.#accounts.set(id, next);
    }
    return { changes, isSure };
  }

  #judged(
    id: string,
    document: AccountDocument | null,
    ancestors: readonly string[],
  ): ServedAccount | null | 'unknown' {
    if (id === this.#root) return document === null ? 'unknown' : accountOf(id, document, null);
    const place = placeInTree(ancestors, this.#root, (one) => this.#accounts.get(one)?.parent);
    if (document === null || place.kind === 'outside') return this.#hasChildren(id) ? 'unknown' : null;
    return place.kind === 'unknown' ? 'unknown' : accountOf(id, document, place.parent);
  }

  #hasChildren(id: string): boolean {
    for (const { parent } of this.#accounts.values()) if (parent === id) return true;
    return false;
  }

  async #walk(isCurrent: boolean, signal: AbortSignal): Promise<Map<string, ServedAccount>> {
    const api = this.#api;
    const root = this.#wanted ?? (await api.account(signal));
    const top = await api.document(root, signal);
    if (top === null) throw new SourceUnavailable('NO_ACCOUNT', `Kazoo has no account ${root} for this API key`);
    this.#above = new Set(await api.ancestors(root, signal));
    this.#root = root;
    // While the tree changes a row may come twice: the later one counts.
    const rows = new Map((await api.descendants(root, signal)).map((row) => [row.id, row]));
    rows.delete(root);
    const found = new Map<string, ServedAccount>([[root, accountOf(root, top, null)]]);
    const isThere = (id: string) => id === root || rows.has(id);
    const doubtful: [string, string][] = [];
    for (const row of rows.values()) {
      const parent = row.tree.findLast((id) => id !== row.id && isThere(id)) ?? root;
      const known = isCurrent && !this.#isDue(row.id) ? this.#accounts.get(row.id) : undefined;
      if (known !== undefined && isSame(known, row, parent)) found.set(row.id, known);
      else doubtful.push([row.id, parent]);
    }
    // A missing account may have moved to another page during the walk.
    for (const { id, parent } of this.#accounts.values()) if (!isThere(id)) doubtful.push([id, parent ?? root]);
    await atOnce(doubtful, AT_ONCE, async ([id, parent]) => {
      const document = await api.document(id, signal);
      if (document !== null) found.set(id, accountOf(id, document, parent));
    });
    return attached(found, root);
  }

  /** Whether this walk requests the account's document; the accounts are spread evenly over the walks. */
  #isDue(id: string): boolean {
    return (id.charCodeAt(id.length - 1) + id.charCodeAt(0) * 7) % EVERY_WALKS === this.#walks % EVERY_WALKS;
  }
}

function isSame(known: ServedAccount, row: AccountRow, parent: string): boolean {
  return known.name === (row.name ?? row.id) && known.realm === (row.realm ?? row.id) && known.parent === parent;
}

/** Without a name or a realm, the id stands for it: both are needed, and ids are unique. */
function accountOf(
  id: string,
  { name, realm, enabled }: Omit<AccountDocument, 'id'>,
  parent: string | null,
): ServedAccount {
  return { id, name: name ?? id, realm: realm ?? id, parent, enabled };
}

/** An account whose parent has gone meanwhile is below the root until the next walk. */
function attached(found: Map<string, ServedAccount>, root: string): Map<string, ServedAccount> {
  for (const [id, account] of found) {
    if (account.parent !== null && !found.has(account.parent)) found.set(id, { ...account, parent: root });
  }
  return found;
}
