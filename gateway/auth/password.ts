import { hash, verify } from '@node-rs/argon2';
import { lowerWorkers } from './worker-priority.ts';

/** OWASP's first choice for argon2id: 19 MiB, two passes, one lane. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Verified for users that do not exist, so that they take the same work. Its password was random and is not kept. */
const DUMMY_HASH = '$argon2id$v=19$m=19456,t=2,p=1$XWk+LYnJBrnccPql75Pc+Q$t5uMXgTGWOCFwVQyv8vaclWW3ddQjv31PwNMEdBlbS8';

export const MAX_PASSWORD_BYTES = 1_024;

/** An argon2id hash for the directory (PHC string). */
export function hashPassword(password: string): Promise<string> {
  return hash(Buffer.from(password, 'utf8'), COST);
}

/**
 * `refused`: `admit` said no, nothing was hashed. `busy`: too many wait already, nothing was hashed and nobody asked.
 */
export type PasswordOutcome = 'match' | 'mismatch' | 'refused' | 'busy';

export interface PasswordTry {
  /** Null when there is no such user: the same work is done and the outcome is a mismatch. */
  readonly hash: string | null;
  readonly password: string;
  /** Asked when it is this one's turn: what is counted there cannot overshoot by more than `concurrency`. */
  admit(): Promise<boolean>;
}

export interface Passwords {
  verify(attempt: PasswordTry): Promise<PasswordOutcome>;
  /** Tries that wait for their turn. */
  readonly waiting: number;
  /** Verifications begun since the start. */
  readonly begun: number;
}

export interface PasswordsOptions {
  /** Verifications at once; each takes a thread of libuv's four and 19 MiB. */
  readonly concurrency?: number;
  /** Tries that may wait. */
  readonly queue?: number;
}

/** Verifies passwords a few at a time, behind everything else that wants the core, and turns away what would wait too long. */
export function createPasswords(options: PasswordsOptions = {}): Passwords {
  const { concurrency = 2, queue = 64 } = options;
  const waiting: (() => void)[] = [];
  let running = 0;
  let begun = 0;

  const judge = async (attempt: PasswordTry): Promise<PasswordOutcome> => {
    if (!(await attempt.admit())) return 'refused';
    begun += 1;
    const verified = verify(attempt.hash ?? DUMMY_HASH, Buffer.from(attempt.password, 'utf8'));
    if (begun === 1) lowerWorkers();
    const matches = await verified;
    return matches && attempt.hash !== null ? 'match' : 'mismatch';
  };

  return {
    get waiting() {
      return waiting.length;
    },
    get begun() {
      return begun;
    },
    async verify(attempt) {
      if (running < concurrency) running += 1;
      else if (waiting.length >= queue) return 'busy';
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await judge(attempt);
      } finally {
        // The turn is handed on rather than given back: a newcomer cannot overtake those who wait.
        const next = waiting.shift();
        if (next === undefined) running -= 1;
        else next();
      }
    },
  };
}
