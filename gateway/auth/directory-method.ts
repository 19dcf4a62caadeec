import type { Passwords } from './password.ts';
import type { Judged, LoginMethod, Verdict } from './upstream/verdict.ts';

export interface DirectoryMethodOptions {
  readonly passwords: Passwords;
  /** Whether the user may log in once the password is right. */
  readonly mayLogIn: (user: NonNullable<Judged['found']>) => boolean;
  /** Whether other methods follow: a user that the directory lacks belongs to them, and needs no hash to hide it. */
  readonly isLast: boolean;
}

/** The password hashes of the directory. */
export function directoryMethod({ passwords, mayLogIn, isLast }: DirectoryMethodOptions): LoginMethod {
  const storedOf = ({ request, found }: Judged) => ({
    user: JSON.stringify([request.domain, request.username]),
    hash: found?.passwordHash ?? null,
    password: request.password,
    isOpen: found !== undefined && mayLogIn(found),
  });
  const allow = ({ found }: Judged): Verdict =>
    found === undefined ? { kind: 'deny' } : { kind: 'allow', account: found.account, username: found.username };
  return {
    remembered(login) {
      const stored = storedOf(login);
      // A correct password needs no limit here: it was verified just before.
      if (stored.isOpen && passwords.isRemembered(stored)) return allow(login);
      return login.found === undefined ? null : 'judge';
    },
    async judge(login, turn) {
      if (login.request.accessToken !== null || (login.found === undefined && !isLast)) return { kind: 'ignore' };
      const outcome = await passwords.verify({ ...storedOf(login), lanes: turn.lanes, admit: () => turn.admit() });
      if (outcome === 'match') return allow(login);
      return outcome === 'mismatch' ? { kind: 'deny' } : { kind: outcome };
    },
  };
}
