import { z } from 'zod';
import { ConfigurationFault } from '../../runtime/lifecycle/configuration-fault.ts';
import type { StateFolder } from '../state/state-folder.ts';
import { isSubject, merge, newestMark, type RevokedList } from './revocation.ts';
import { MOST_REVOCATIONS, RevocationsUnavailable, type RevocationStore } from './revocation-store.ts';

const FILE = 'revocations.json';
const content = z.array(z.tuple([z.string().refine(isSubject), z.int().positive()]));

/**
 * For one process: in memory and in the state folder, beside the signing key, because tokens outlive a restart. `now`
 * in Unix milliseconds. Rejects with a ConfigurationFault when the file is not a list of revocations.
 */
export async function fileRevocationStore(state: StateFolder, now: () => number): Promise<RevocationStore> {
  let list: RevokedList = merge(new Map(), await load(state), now() * 1_000);
  /** List in the file. Reads return nothing newer; otherwise sessions would end before their revocation counts them. */
  let safe = list;
  let writing: Promise<void> = Promise.resolve();
  const write = async () => {
    const newest = list;
    await state.write(FILE, JSON.stringify([...newest]));
    safe = newest;
  };
  const save = (next: RevokedList): Promise<void> => {
    list = next;
    // Writes are in order: the last one contains the newest list.
    writing = writing.then(write);
    const written = writing.catch((error: unknown) => {
      throw new RevocationsUnavailable((error as NodeJS.ErrnoException).code ?? 'UNKNOWN');
    });
    writing = written.catch(() => undefined);
    return written;
  };
  return {
    async revoke(subject, known) {
      const nowUs = now() * 1_000;
      const mark = Math.max(nowUs, newestMark(list) + 1, known + 1);
      const next = merge(list, new Map([[subject, mark]]), nowUs);
      if (next.size > MOST_REVOCATIONS) return null;
      await save(next);
      return mark;
    },
    async read(seen) {
      const current = { count: safe.size, newest: newestMark(safe) };
      if (seen?.count === current.count && seen.newest === current.newest) return null;
      return { list: safe, seen: current };
    },
    restore: (lost) => save(merge(list, lost, now() * 1_000)),
  };
}

async function load(state: StateFolder): Promise<RevokedList> {
  const text = await state.read(FILE);
  if (text === null) return new Map();
  try {
    return new Map(content.parse(JSON.parse(text)));
  } catch {
    // An empty list would allow revoked tokens.
    throw new ConfigurationFault([`${state.path}/${FILE} is not a list of revocations: restore it, or remove it`]);
  }
}
