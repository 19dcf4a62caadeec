import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { test } from 'node:test';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { createEmbeddedLog } from '../../event-log/embedded-log.ts';
import { event } from '../../event-log/event-log.suite.ts';
import { cursors } from '../testing/cursors.ts';
import { RecordingSink } from '../testing/sink.ts';
import { expectedNotices } from '../testing/notices.ts';
import { treeOf } from '../testing/tree.ts';
import { PLAIN } from './encoding.ts';
import { Fanout } from './fanout.ts';
import { follow } from './follow.ts';

const ROUNDS = 4;
/** Two of them exceed the size of a round. */
const LARGE = JSON.stringify({ text: 'x'.repeat(200_000) });

/** Counts the turns of the event loop. */
function turns(signal: AbortSignal): () => number {
  let count = 0;
  const turn = () => {
    count += 1;
    if (!signal.aborted) setImmediate(turn);
  };
  setImmediate(turn);
  return () => count;
}

test('between two rounds of one read everything else has its turn (I6)', async () => {
  const over = new AbortController();
  const { signal } = over;
  const eventLog = createEmbeddedLog({ partitions: 1, maxBytes: 16 * 1024 * 1024, now: Date.now });
  const fanout = new Fanout({
    directory: treeOf([['acme', null]]),
    offers: () => true,
    cursors,
    pages: () => Promise.reject(new Error('no page is expected here')),
  });
  const turn = turns(signal);
  const writtenIn: number[] = [];
  const sink = new RecordingSink();
  const write = sink.write.bind(sink);
  sink.write = (chunk, release) => {
    writtenIn.push(turn());
    write(chunk, release);
  };
  fanout.join({
    grant: { account: 'acme', accounts: null, events: null },
    form: PLAIN,
    sink,
    notices: expectedNotices(),
  });
  const following = follow({
    eventLog,
    fanout,
    logger: silentLogger,
    signal,
    traces: null,
    onReachable: () => undefined,
  });
  while (fanout.position === null) await nextTurn();
  await eventLog.append(Array.from({ length: ROUNDS }, (_, n) => event(`call-${n}`, LARGE)));
  while (sink.messages().length < ROUNDS) await nextTurn();
  over.abort();
  await following;
  assert.equal(new Set(writtenIn).size, ROUNDS);
});
