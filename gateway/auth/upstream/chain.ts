import type { Judged, LoginMethod, Turn, Verdict } from './verdict.ts';

/** Combines the methods, in order: the first that does not ignore a login decides. If all ignore it, it is denied. */
export function chainOf(methods: readonly LoginMethod[]): LoginMethod {
  return {
    remembered(login: Judged) {
      for (const method of methods) {
        const verdict = method.remembered(login);
        // An earlier method that knows the user decides, even if a later one has accepted the login often.
        if (verdict !== null) return verdict;
      }
      return null;
    },
    async judge(login: Judged, turn: Turn): Promise<Verdict> {
      for (const method of methods) {
        const verdict = await method.judge(login, turn);
        if (verdict.kind !== 'ignore') return verdict;
      }
      return { kind: 'deny' };
    },
  };
}
