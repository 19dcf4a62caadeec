import type { Position } from '../../protocol/position.ts';
import type { Live } from '../../runtime/lifecycle/live.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import type { LiveDirectory } from '../directory/directory.ts';
import { movedAccounts } from '../directory/moved-accounts.ts';
import type { Scope } from '../subscription/scope.ts';
import { noted } from './entry.ts';
import type { Journal } from './journal.ts';
import { MemoryJournal } from './memory-journal.ts';
import { RedisJournal } from './redis-journal.ts';

export interface OpenJournalOptions {
  /** Null with the embedded log. */
  readonly redis: RedisClient | null;
  readonly keyspace: { readonly prefix: string; readonly resource: string };
  /** Name of this replica; null with the embedded log. */
  readonly replica: string | null;
  readonly logger: Logger;
}

/** The journal of this resource. Owned by `stack`: the last entries of sessions are written before it is released. */
export function openJournal(
  stack: AsyncDisposableStack,
  { redis, keyspace, replica, logger }: OpenJournalOptions,
): Journal {
  if (redis === null || replica === null) return stack.use(new MemoryJournal());
  const { prefix: keyPrefix, resource } = keyspace;
  return stack.use(new RedisJournal({ client: redis, keyPrefix, resource, replica, logger }));
}

export interface FollowedInputs {
  readonly directory: LiveDirectory;
  readonly scope: Live<Scope>;
  /** How far this replica has delivered. */
  readonly position: () => Position | null;
}

/** Records changes of the account tree and of the resource's offer. Owned by `stack`. */
export function noteChanges(
  stack: AsyncDisposableStack,
  journal: Journal,
  { directory, scope, position }: FollowedInputs,
): void {
  const head = () => {
    const at = position();
    return { at: journal.now(), replica: journal.replica, position: at && noted(at) };
  };
  let last = directory.current;
  stack.defer(
    directory.onChange((current) => {
      const moved = movedAccounts(last, current);
      last = current;
      if (moved === null || moved.length > 0) {
        journal.note({ kind: 'tree', ...head(), moved: moved && [...moved] });
      }
    }),
  );
  stack.defer(scope.onChange(() => journal.note({ kind: 'offer', ...head() })));
}
