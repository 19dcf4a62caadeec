import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { foldName } from '../fold.ts';
import { MOST_CHANGES, removalLine } from '../http/changes.ts';
import type { ServedAccount, ServedEntries, ServedUser } from './entries.ts';

/** Entries that one turn of the event loop handles. */
const TURN = 2_000;
/** Earlier versions whose changes are kept. */
const MOST_STEPS = 256;
/** Most lines of these changes together. */
const MOST_KEPT = 4 * MOST_CHANGES;
const FOR_GATEWAYS = '$argon2id$';
const MODULUS = 1n << 256n;

const pack = promisify(gzip);

/** Changes of one version: key to line, null for a removed entry. */
type Changes = ReadonlyMap<string, string | null>;

interface Step {
  readonly from: string;
  readonly changes: Changes;
}

/**
 * The served content: each entry as its line, one ETag for all of them, and the changes since earlier ETags. The ETag
 * is the sum of keyed digests of the lines: it does not depend on their order, the cost of a change depends only on its
 * size, and without the key it is impossible to construct two contents with the same ETag.
 */
export class Book {
  readonly #secret: string;
  readonly #lines = new Map<string, string>();
  #users: ReadonlyMap<string, ServedUser> = new Map();
  #accounts = 0;
  #sum = 0n;
  #etag: string | null = null;
  readonly #steps: Step[] = [];
  #packed: { readonly etag: string; readonly body: Promise<Buffer> } | null = null;

  /** Replicas with the same secret serve the same ETags. */
  constructor(secret: string) {
    this.#secret = hash('sha256', `firehose-directory ${secret}`);
  }

  /** Null before the first version. */
  get etag(): string | null {
    return this.#etag;
  }

  get size(): { readonly accounts: number; readonly users: number } {
    return { accounts: this.#accounts, users: this.#users.size };
  }

  /** Includes users whose hash is not sent to gateways. */
  userOf(account: string, username: string): ServedUser | undefined {
    return this.#users.get(userKey(account, username));
  }

  /** Replaces the whole directory; true when it differs. One call at a time. */
  async replace({ accounts, users }: ServedEntries): Promise<boolean> {
    const changes = new Map<string, string | null>();
    const seen = new Set<string>();
    let kept = 0;
    const look = (key: string, line: string) => {
      seen.add(key);
      const before = this.#lines.get(key);
      if (before !== undefined) kept += 1;
      if (before !== line) changes.set(key, line);
    };
    await inTurns(accounts, (account) => look(freeKey(accountKey(account.id), seen), lineOf(account)));
    const byKey = new Map<string, ServedUser>();
    await inTurns(users, (user) => void byKey.set(userKey(user.account, user.username), user));
    await inTurns([...byKey], ([key, user]) => {
      if (user.passwordHash.startsWith(FOR_GATEWAYS)) look(key, lineOf(user));
    });
    if (kept < this.#lines.size) {
      await inTurns([...this.#lines.keys()], (key) => void (seen.has(key) || changes.set(key, null)));
    }
    const digests: bigint[] = [];
    await inTurns([...changes], ([key, line]) => void digests.push(this.#difference(key, line)));
    this.#users = byKey;
    return this.#apply(changes, digests);
  }

  /** Applies changes of accounts, null for a removed one; true when anything differs. */
  change(accounts: ReadonlyMap<string, ServedAccount | null>): boolean {
    const changes = new Map<string, string | null>();
    for (const [id, account] of accounts) {
      const [key, line] = [accountKey(id), account === null ? null : lineOf(account)];
      if ((this.#lines.get(key) ?? null) !== line) changes.set(key, line);
    }
    return this.#apply(
      changes,
      [...changes].map(([key, line]) => this.#difference(key, line)),
    );
  }

  /** The lines that lead from an earlier version to the present one; null when unknown or too many. */
  changesSince(etag: string): string | null {
    const from = this.#steps.findLastIndex((step) => step.from === etag);
    if (from < 0) return null;
    const merged = new Map(this.#steps.slice(from).flatMap(({ changes }) => [...changes]));
    if (merged.size > MOST_CHANGES) return null;
    return [...merged].map(([key, line]) => line ?? removalLine(removedOf(key))).join('');
  }

  /** All lines compressed with gzip, with their ETag; null before the first version. */
  async packed(): Promise<{ readonly etag: string; readonly body: Buffer } | null> {
    if (this.#etag === null) return null;
    if (this.#packed?.etag !== this.#etag) {
      this.#packed = { etag: this.#etag, body: packLines([...this.#lines.values()]) };
    }
    const { etag, body } = this.#packed;
    return { etag, body: await body };
  }

  #difference(key: string, line: string | null): bigint {
    return this.#digest(line) - this.#digest(this.#lines.get(key) ?? null);
  }

  #digest(line: string | null): bigint {
    return line === null ? 0n : BigInt(`0x${hash('sha256', this.#secret + line)}`);
  }

  #apply(changes: Changes, digests: readonly bigint[]): boolean {
    const from = this.#etag;
    if (changes.size === 0 && from !== null) return false;
    for (const [key, line] of changes) {
      if (isAccount(key)) this.#accounts += Number(line !== null) - Number(this.#lines.has(key));
      if (line === null) this.#lines.delete(key);
      else this.#lines.set(key, line);
    }
    this.#sum = (((this.#sum + digests.reduce((one, other) => one + other, 0n)) % MODULUS) + MODULUS) % MODULUS;
    this.#etag = `"${this.#sum.toString(36)}"`;
    this.#keepStep(from, changes);
    return true;
  }

  #keepStep(from: string | null, changes: Changes): void {
    if (from === null || changes.size > MOST_CHANGES) {
      this.#steps.length = 0;
      return;
    }
    this.#steps.push({ from, changes });
    let lines = this.#steps.reduce((sum, step) => sum + step.changes.size, 0);
    while (this.#steps.length > MOST_STEPS || lines > MOST_KEPT) lines -= this.#steps.shift()?.changes.size ?? 0;
  }
}

const lineOf = (entry: ServedAccount | ServedUser) => `${JSON.stringify(entry)}\n`;

const ACCOUNT = 'a';
const USER = 'u';
const accountKey = (id: string) => ACCOUNT + id;
const userKey = (account: string, username: string) => `${USER}${account}\n${foldName(username)}`;
const isAccount = (key: string) => key.startsWith(ACCOUNT);

function removedOf(key: string) {
  if (isAccount(key)) return { id: key.slice(1) };
  const end = key.indexOf('\n');
  return { username: key.slice(end + 1), account: key.slice(1, end) };
}

/** A repeated id is served twice: gateways report where. */
function freeKey(key: string, seen: ReadonlySet<string>): string {
  let free = key;
  for (let copy = 2; seen.has(free); copy += 1) free = `${key}\n${copy}`;
  return free;
}

async function inTurns<T>(items: readonly T[], use: (item: T) => void): Promise<void> {
  for (let at = 0; at < items.length; at += TURN) {
    for (const item of items.slice(at, at + TURN)) use(item);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function packLines(lines: readonly string[]): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let at = 0; at < lines.length; at += TURN) {
    parts.push(Buffer.from(lines.slice(at, at + TURN).join('')));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return pack(Buffer.concat(parts), { level: 1 });
}
