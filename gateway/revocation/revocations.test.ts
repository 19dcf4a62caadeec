import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { silentLogger } from '../../runtime/logging/logger.ts';
import type { VerifiedToken } from '../auth/grant.ts';
import type { Directory } from '../directory/directory.ts';
import { treeOf } from '../testing/tree.ts';
import { newestMark, type RevokedList } from './revocation.ts';
import { Revocations } from './revocations.ts';
import { RevocationsUnavailable, type RevocationStore, type Seen } from './revocation-store.ts';

const tokenOf = (account: string, mark = 0): VerifiedToken => ({
  grant: { account, accounts: null, events: null },
  username: 'eva',
  id: `of-${account}`,
  mark,
  sessionEndsAt: 0,
});

/** Represents the Redis of all replicas: its reads can be delayed, and it can be unavailable. */
class FarStore implements RevocationStore {
  list = new Map<string, number>();
  reads = 0;
  isAway = false;
  gate: Promise<void> = Promise.resolve();

  async revoke(subject: string, known: number) {
    this.#reach();
    const mark = Math.max(Date.now() * 1_000, newestMark(this.list) + 1, known + 1);
    this.list.set(subject, mark);
    return mark;
  }

  async read(seen: Seen | null) {
    this.reads += 1;
    this.#reach();
    const list = new Map(this.list);
    await this.gate;
    const now = { count: list.size, newest: newestMark(list) };
    return seen?.count === now.count && seen.newest === now.newest ? null : { list, seen: now };
  }

  async restore(lost: RevokedList) {
    for (const [subject, mark] of lost) this.list.set(subject, mark);
  }

  #reach(): void {
    if (this.isAway) throw new RevocationsUnavailable('UNREACHABLE');
  }
}

/** A replica that reads the store when the test says so, with these tokens connected. */
async function replica(store: RevocationStore, tokens: readonly VerifiedToken[] = []) {
  const live = new Set(tokens);
  const listeners = new Set<(directory: Directory) => void>();
  const directory = {
    current: treeOf([
      ['root', null],
      ['north', 'root'],
      ['sales', 'north'],
    ]),
    onChange(listener: (directory: Directory) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const sessions = {
    closeWhere(isMeant: (token: VerifiedToken) => boolean) {
      const meant = [...live].filter(isMeant);
      for (const token of meant) live.delete(token);
      return meant.length;
    },
  };
  const revocations = await Revocations.open({
    store,
    directory,
    logger: silentLogger,
    now: Date.now,
    intervalMs: 3_600_000,
  });
  revocations.endSessionsOf(sessions);
  return {
    revocations,
    live,
    listeners,
    useDirectory(current: Directory) {
      directory.current = current;
      for (const listener of listeners) listener(current);
    },
    [Symbol.asyncDispose]: () => revocations[Symbol.asyncDispose](),
  };
}

describe('revocations', () => {
  test('end live sessions here at once and elsewhere with the next look', async () => {
    const store = new FarStore();
    await using here = await replica(store, [tokenOf('sales'), tokenOf('root')]);
    await using there = await replica(store, [tokenOf('sales'), tokenOf('root')]);
    const outcome = await here.revocations.revoke({ account: 'north' });
    assert.ok(outcome.kind === 'revoked');
    assert.deepEqual([outcome.closed, here.live.size, there.live.size], [1, 1, 2]);
    assert.equal(there.revocations.isRevoked(tokenOf('sales')), false);
    await there.revocations.refresh();
    assert.equal(there.revocations.isRevoked(tokenOf('sales')), true);
    assert.deepEqual(
      [...there.live].map(({ grant }) => grant.account),
      ['root'],
    );
  });

  test('a login that begins later anywhere has a mark that lets it in, however slow a read under way is', async () => {
    const store = new FarStore();
    await using here = await replica(store);
    await using there = await replica(store);
    const gate = Promise.withResolvers<void>();
    store.gate = gate.promise;
    const underWay = there.revocations.refresh();
    await here.revocations.revoke({ user: { account: 'sales', username: 'eva' } });
    const marks = Promise.all(Array.from({ length: 100 }, () => there.revocations.mark()));
    gate.resolve();
    await underWay;
    for (const mark of await marks) assert.equal(there.revocations.isRevoked(tokenOf('sales', mark)), false);
    assert.equal(there.revocations.isRevoked(tokenOf('sales')), true);
    // One read to open each, the running one, and one for all 100 logins.
    assert.equal(store.reads, 4);
  });

  test('while the store is away the last known list stays in force, and revoking says that it cannot', async () => {
    const store = new FarStore();
    await using here = await replica(store);
    await here.revocations.revoke({ account: 'north' });
    store.isAway = true;
    const mark = await here.revocations.mark();
    assert.ok(mark > 0);
    assert.deepEqual(await here.revocations.revoke({ account: 'root' }), { kind: 'unavailable', code: 'UNREACHABLE' });
    assert.deepEqual(
      [here.revocations.isRevoked(tokenOf('sales')), here.revocations.isRevoked(tokenOf('root'))],
      [true, false],
    );
  });

  test('a replica that has never reached the store says that it knows nothing', async () => {
    const store = new FarStore();
    store.isAway = true;
    await using here = await replica(store);
    assert.equal(here.revocations.isKnown, false);
    store.isAway = false;
    await here.revocations.refresh();
    assert.equal(here.revocations.isKnown, true);
  });

  test('what the store has lost is put back by a replica that has it', async () => {
    const store = new FarStore();
    await using here = await replica(store);
    await here.revocations.revoke({ account: 'north' });
    store.list = new Map();
    await here.revocations.refresh();
    await using later = await replica(store);
    assert.equal(later.revocations.isRevoked(tokenOf('sales')), true);
    store.list = new Map();
    await later.revocations.refresh();
    await using latest = await replica(store);
    assert.equal(latest.revocations.isRevoked(tokenOf('sales')), true);
  });

  test('an account that is moved below a revoked one loses its sessions', async () => {
    await using here = await replica(new FarStore(), [tokenOf('root', 0)]);
    await here.revocations.revoke({ account: 'north' });
    assert.equal(here.live.size, 1);
    here.useDirectory(
      treeOf([
        ['north', null],
        ['root', 'north'],
      ]),
    );
    assert.equal(here.live.size, 0);
  });

  test('are listed by pages, the newest first', async () => {
    await using here = await replica(new FarStore());
    for (const jti of ['a', 'b', 'c', 'd', 'e']) await here.revocations.revoke({ jti });
    const listed: string[] = [];
    for (let before: number | null = Infinity; before !== null;) {
      const { revocations, next } = here.revocations.page(before, 2);
      listed.push(revocations.map(({ revoked }) => ('jti' in revoked ? revoked.jti : '')).join());
      before = next;
    }
    assert.deepEqual(listed, ['e,d', 'c,b', 'a']);
  });

  test('leave nothing behind when they are closed (I10)', async () => {
    const here = await replica(new FarStore());
    await here.revocations[Symbol.asyncDispose]();
    assert.equal(here.listeners.size, 0);
  });
});
