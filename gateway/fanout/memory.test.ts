import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Grant } from '../auth/grant.ts';
import { cursors } from '../testing/cursors.ts';
import { entryOf } from '../testing/entries.ts';
import { expectedNotices } from '../testing/notices.ts';
import { treeOf } from '../testing/tree.ts';
import { PLAIN } from './encoding.ts';
import { Fanout } from './fanout.ts';
import type { Sink } from './connection.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const MIB = 1024 * 1024;
const CONNECTIONS = 1_000;
const ACCOUNTS = 20;
const HIGH_WATER = 64 * 1024;
const ROUND = 256 * 1024;
const TAIL = 8 * MIB;

/** The far end of a connection that reads nothing: keeps the written bytes as a socket's queue does. */
class PausedSink implements Sink {
  held: { readonly chunk: Buffer; readonly release: (() => void) | null }[] = [];
  queued = 0;
  #waiting: (() => void)[] = [];

  write(chunk: Buffer, release: (() => void) | null): void {
    this.held.push({ chunk, release });
    this.queued += chunk.length;
  }

  whenDrained(callback: () => void): void {
    this.#waiting.push(callback);
  }

  /** Its peer reads everything. */
  drain(): void {
    const held = this.held.splice(0);
    this.queued = 0;
    for (const { release } of held) release?.();
    for (const callback of this.#waiting.splice(0)) setImmediate(callback);
  }
}

/** Bytes of all buffers and of the heap after a garbage collection. */
function memory(): number {
  collect();
  collect();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}

test('I6, I10: a thousand connections that read nothing hold what is documented, however much passes them by', async (t) => {
  const accounts = Array.from({ length: ACCOUNTS }, (_, at) => `a${at}`);
  const fanout = new Fanout({
    directory: treeOf([['root', null], ...accounts.map((id): [string, string] => [id, 'root'])]),
    offers: () => true,
    cursors,
    pages: () => Promise.reject(new Error('nobody reads')),
    highWater: HIGH_WATER,
  });
  fanout.restart({ epoch: 'e', oldest: ['0-0'], newest: ['0-0'], trimmed: ['0-0'] });
  const grantOf = (at: number): Grant => ({ account: 'root', accounts: [accounts[at % ACCOUNTS] ?? ''], events: null });
  const connections = Array.from({ length: CONNECTIONS }, (_, at) => {
    const sink = new PausedSink();
    const notices = expectedNotices({});
    return { sink, connection: fanout.join({ grant: grantOf(at), form: PLAIN, sink, notices }) };
  });
  let sequence = 0;
  const filler = 'x'.repeat(1_000);
  const publish = async (bytes: number) => {
    for (let sent = 0; sent < bytes;) {
      const entries = Array.from({ length: 100 }, () => {
        sequence += 1;
        const account = accounts[sequence % ACCOUNTS] ?? '';
        return entryOf({ sequence, account, data: JSON.stringify({ n: sequence, filler }) });
      });
      fanout.deliver(entries);
      sent += entries.reduce((sum, { data }) => sum + data.length, 0);
      await nextTurn();
    }
  };
  const before = memory();
  await publish(2 * TAIL);
  const full = memory();
  await publish(4 * TAIL);
  const later = memory();
  t.diagnostic(`${((full - before) / MIB).toFixed(1)} MiB, x ${(later / full).toFixed(2)} after three times as much`);
  for (const { sink } of connections) assert.ok(sink.queued <= HIGH_WATER + ROUND);
  // Connections of one view share their bytes.
  assert.ok(full - before <= 2 * (TAIL + ACCOUNTS * (HIGH_WATER + ROUND)));
  assert.ok(later / full < 1.1, `grew by a factor of ${later / full}`);
  for (const { sink, connection } of connections) {
    fanout.leave(connection);
    sink.drain();
  }
  await nextTurn();
  assert.deepEqual(fanout.sizes(), { connections: 0, views: 0, encodings: 0, buckets: 0, behind: 0 });
});

test('I10: connections that get nothing any more hold nothing of the rounds they once shared', (t) => {
  const accounts = Array.from({ length: 200 }, (_, at) => `a${at}`);
  const fanout = new Fanout({
    directory: treeOf([['root', null], ...accounts.map((id): [string, string] => [id, 'root'])]),
    offers: () => true,
    cursors,
    pages: () => Promise.reject(new Error('nobody is behind')),
  });
  fanout.restart({ epoch: 'e', oldest: ['0-0'], newest: ['0-0'], trimmed: ['0-0'] });
  for (const account of [...accounts, ...accounts]) {
    const grant = { account: 'root', accounts: [account], events: null };
    const sink = { queued: 0, write: () => {}, whenDrained: () => {} };
    fanout.join({ grant, form: PLAIN, sink, notices: expectedNotices({}) });
  }
  const before = memory();
  const data = JSON.stringify({ filler: 'x'.repeat(1_000) });
  // One round for each account: its own event, and as many events for no connection as fit into a round.
  for (const account of accounts) {
    const others = Array.from({ length: 200 }, (_, sequence) => entryOf({ sequence, account: 'root', data }));
    fanout.deliver([entryOf({ sequence: 200, account, data }), ...others]);
  }
  const grown = memory() - before;
  t.diagnostic(`${(grown / MIB).toFixed(1)} MiB`);
  assert.ok(grown <= 3 * TAIL);
  assert.equal(fanout.connections, 2 * accounts.length);
});
