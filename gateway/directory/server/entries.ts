import { createHash } from 'node:crypto';
import { gzip } from 'node:zlib';
import { promisify } from 'node:util';
import { foldName } from '../fold.ts';

/** An account, with the keys of the contract. */
export interface ServedAccount {
  readonly id: string;
  readonly name: string;
  readonly realm: string;
  readonly parent: string | null;
  readonly enabled: boolean;
}

/** A user with a hash of any kind; those of argon2id are in the snapshot. */
export interface ServedUser {
  readonly username: string;
  readonly account: string;
  readonly passwordHash: string;
  readonly enabled: boolean;
}

export interface ServedEntries {
  readonly accounts: readonly ServedAccount[];
  readonly users: readonly ServedUser[];
}

/** What is served until the entries change. */
export interface Served {
  readonly etag: string;
  /** Lines of JSON, gzip. */
  readonly packed: Buffer;
  readonly accounts: number;
  readonly users: number;
  /** Also those whose hash is not for gateways. */
  userOf(account: string, username: string): ServedUser | undefined;
}

const pack = promisify(gzip);
const FOR_GATEWAYS = '$argon2id$';
/** Lines that are made in one turn of the event loop. */
const TURN = 5_000;

/** In the order of the ids, so that the same entries give the same ETag. */
export async function served({ accounts, users }: ServedEntries): Promise<Served> {
  const byKey = new Map(users.map((user) => [keyOf(user.account, user.username), user]));
  const ofGateways = [...byKey].filter(([, { passwordHash }]) => passwordHash.startsWith(FOR_GATEWAYS));
  const sorted = [
    ...accounts.toSorted((one, other) => (one.id < other.id ? -1 : 1)),
    ...ofGateways.toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, user]) => user),
  ];
  const parts: Buffer[] = [];
  const hash = createHash('sha256');
  for (let at = 0; at < sorted.length; at += TURN) {
    const lines = sorted.slice(at, at + TURN).map((entry) => `${JSON.stringify(entry)}\n`);
    const part = Buffer.from(lines.join(''));
    hash.update(part);
    parts.push(part);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return {
    etag: `"${hash.digest('base64url')}"`,
    packed: await pack(Buffer.concat(parts), { level: 1 }),
    accounts: accounts.length,
    users: byKey.size,
    userOf: (account, username) => byKey.get(keyOf(account, username)),
  };
}

function keyOf(account: string, username: string): string {
  return `${account}/${foldName(username)}`;
}
