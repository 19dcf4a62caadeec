import type { Judged, LoginMethod, Turn, Verdict } from './verdict.ts';

/** The methods in their order, as one: the first that does not ignore a login decides. Nobody knows it: it is denied. */
export function chainOf(methods: readonly LoginMethod[]): LoginMethod {
  return {
    remembered(login: Judged) {
      for (const method of methods) {
        const verdict = method.remembered(login);
        // An earlier method that knows the user decides, however often a later one has let it in.
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
