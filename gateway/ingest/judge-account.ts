import type { Live } from '../../runtime/lifecycle/live.ts';
import type { LiveDirectory } from '../directory/directory.ts';
import { offersAccount } from '../fanout/offer.ts';
import type { Scope } from '../subscription/scope.ts';

/** `unknown` is an account that the directory lacks: its events are not delivered until it is added. */
export type AccountVerdict = 'offered' | 'not_offered' | 'unknown';

export interface AccountScope {
  readonly directory: Pick<LiveDirectory, 'current'>;
  readonly scope: Pick<Live<Scope>, 'current'>;
  /** Whether other resources use the same streams. */
  readonly isShared: () => boolean;
}

/**
 * Whether a producer may write events of an account here, by the present directory and scope. On streams that other
 * resources use, an unknown account may belong to one of them: writing for it would forge their events.
 */
export function createAccountJudge({ directory, scope, isShared }: AccountScope): (account: string) => AccountVerdict {
  return (account) => {
    if (account === '') return 'unknown';
    const known = directory.current.accounts.get(account);
    if (known === undefined) return isShared() ? 'not_offered' : 'unknown';
    return offersAccount(scope.current, known) ? 'offered' : 'not_offered';
  };
}
