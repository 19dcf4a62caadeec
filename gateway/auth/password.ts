import { hash, verify } from '@node-rs/argon2';
import { composed } from '../directory/fold.ts';
import { costOf } from '../directory/hash-cost.ts';
import { rememberedPasswords } from './remembered-passwords.ts';
import { createTurns } from './turns.ts';
import { lowerWorkers } from './worker-priority.ts';

/** OWASP's first recommendation for argon2id: 19 MiB, two passes, one lane. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const DEFAULT_COST = 'm=19456,t=2,p=1';
/** Salt and hash without a known password: verified when there is no such user, so that the work is the same. */
const DUMMY = '$XWk+LYnJBrnccPql75Pc+Q$t5uMXgTGWOCFwVQyv8vaclWW3ddQjv31PwNMEdBlbS8';

export const MAX_PASSWORD_BYTES = 1_024;

/**
 * An argon2id hash for the directory (PHC string). Composed and decomposed Unicode forms are one password (RFC 8265
 * 4.1).
 */
export function hashPassword(password: string): Promise<string> {
  return hash(Buffer.from(composed(password), 'utf8'), COST);
}

/** `refused`: `admit` refused. `busy`: too many tries wait, or this one waited too long. Neither was hashed. */
type PasswordOutcome = 'match' | 'mismatch' | 'refused' | 'busy';

export interface PasswordTry {
  /** Distinguishes users whose hashes are equal. */
  readonly user: string;
  /** Null when there is no such user: the same work is done and the outcome is a mismatch. */
  readonly hash: string | null;
  readonly password: string;
  /**
   * Whether a match lets the user log in. Only then the result is shared and cached; otherwise times would reveal a
   * disabled user.
   */
  readonly isOpen: boolean;
  /** Tries of one lane take turns with those of others. */
  readonly lanes: readonly string[];
  /** Called when the try has its turn: its count cannot exceed a limit by more than `concurrency`. */
  admit(): Promise<boolean>;
}

export interface Passwords {
  /** Whether this password of this user matched a moment ago: it needs no hash and no turn. */
  isRemembered(attempt: Pick<PasswordTry, 'user' | 'hash' | 'password'>): boolean;
  /** Concurrent tries with the same user and password cost one hash when it matches. */
  verify(attempt: PasswordTry): Promise<PasswordOutcome>;
  /** Tries that wait for their turn. */
  readonly waiting: number;
  /** Tries that were hashed since the start. */
  readonly begun: number;
}

export interface PasswordsOptions {
  /** Concurrent verifications; each takes one of libuv's four threads and 19 MiB. */
  readonly concurrency?: number;
  /** Most tries that may wait. */
  readonly queue?: number;
  /** Longest wait for a turn, milliseconds. */
  readonly patienceMs?: number;
  /**
   * Costs of the stored hashes, as `m=19456,t=2,p=1`. Each try does the work of all of them, so that times are equal.
   */
  readonly costs?: () => readonly string[];
}

/** Verifies a few passwords at a time, in fair turns, at a lower priority than everything else. */
export function createPasswords(options: PasswordsOptions = {}): Passwords {
  const { costs = () => [DEFAULT_COST] } = options;
  const { concurrency = 2, queue = 512, patienceMs = 20_000 } = options;
  const turns = createTurns({ concurrency, queue, patienceMs });
  const remembered = rememberedPasswords(performance.now.bind(performance));
  const inFlight = new Map<string, Promise<PasswordOutcome>>();
  const keyOf = ({ user, hash, password }: Pick<PasswordTry, 'user' | 'hash' | 'password'>) =>
    remembered.keyOf(user, hash, composed(password));
  let begun = 0;

  const judge = async (attempt: PasswordTry): Promise<PasswordOutcome> => {
    if (!(await turns.take(attempt.lanes))) return 'busy';
    try {
      if (!(await attempt.admit())) return 'refused';
      begun += 1;
      const verified = verifyAtAllCosts(attempt, costs());
      if (begun === 1) lowerWorkers();
      return (await verified) ? 'match' : 'mismatch';
    } finally {
      turns.give();
    }
  };

  return {
    get waiting() {
      return turns.waiting;
    },
    get begun() {
      return begun;
    },
    isRemembered: (attempt) => attempt.hash !== null && remembered.has(keyOf(attempt)),
    async verify(attempt) {
      const key = keyOf(attempt);
      // Only a match is shared: a wrong password counts for each caller that sent it.
      const first = inFlight.get(key);
      if (first !== undefined && (await first) === 'match' && attempt.isOpen) return 'match';
      const judged = judge(attempt);
      const shared = judged.catch((): PasswordOutcome => 'busy');
      if (!inFlight.has(key)) inFlight.set(key, shared);
      try {
        const outcome = await judged;
        if (outcome === 'match' && attempt.isOpen) remembered.add(key);
        return outcome;
      } finally {
        if (inFlight.get(key) === shared) inFlight.delete(key);
      }
    },
  };
}

/** One verification for each cost, in order: the user's own hash where it has this cost, else the dummy. */
async function verifyAtAllCosts({ hash, password }: PasswordTry, costs: readonly string[]): Promise<boolean> {
  const bytes = Buffer.from(composed(password), 'utf8');
  const own = hash === null ? null : costOf(hash);
  const all = new Set(costs.length === 0 ? [DEFAULT_COST] : costs);
  // The directory may have changed since the hash was read from it.
  if (own !== null) all.add(own);
  let matches = false;
  for (const cost of all) {
    const isOwn = hash !== null && cost === own;
    const isMatch = await verify(isOwn ? hash : `$argon2id$v=19$${cost}${DUMMY}`, bytes);
    if (isOwn) matches = isMatch;
  }
  return matches;
}
