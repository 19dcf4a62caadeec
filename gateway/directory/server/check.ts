import { verify as verifyArgon2 } from '@node-rs/argon2';
import { compare as compareBcrypt } from 'bcrypt';
import { z } from 'zod';
import { composed } from '../fold.ts';
import type { Book } from './book.ts';
import type { ServedUser } from './entries.ts';

export const questionSchema = z.object({
  username: z.string().min(1).max(256),
  password: z.string().min(1).max(1_024),
  domain: z.string().max(256),
  account: z.string().max(64).nullable(),
});

export type CheckAnswer =
  | {
      readonly result: 'allow';
      readonly account: string;
      readonly username: string;
      /** Absent: no profile of its own. */
      readonly privacy?: string;
    }
  | { readonly result: 'deny' }
  | { readonly result: 'ignore' };

const BCRYPT = /^\$2[aby]\$\d\d\$/;
const MAX_BCRYPT_BYTES = 72;

/** A user that is unknown here may belong to another login method. */
export async function check(
  { account, username, password }: z.output<typeof questionSchema>,
  entries: Pick<Book, 'userOf'>,
): Promise<CheckAnswer> {
  const user = account === null ? undefined : entries.userOf(account, username);
  if (user === undefined) return { result: 'ignore' };
  const isRight = await verify(user, Buffer.from(composed(password), 'utf8'));
  if (!isRight || !user.enabled) return { result: 'deny' };
  const { privacy } = user;
  return { result: 'allow', account: user.account, username: user.username, ...(privacy !== undefined && { privacy }) };
}

/** False for a hash of another kind, and for one that is broken. */
async function verify({ passwordHash }: ServedUser, password: Buffer): Promise<boolean> {
  try {
    if (passwordHash.startsWith('$argon2id$')) return await verifyArgon2(passwordHash, password);
    // bcrypt compares only the first 72 bytes.
    if (!BCRYPT.test(passwordHash) || password.length > MAX_BCRYPT_BYTES) return false;
    return await compareBcrypt(password, passwordHash);
  } catch {
    return false;
  }
}
