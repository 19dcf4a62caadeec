import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { test } from 'node:test';
import { createEmbeddedLog } from '../../event-log/embedded-log.ts';
import type { NewEvent } from '../../event-log/event-log.ts';
import { cursors } from '../testing/cursors.ts';
import { RecordingSink } from '../testing/sink.ts';
import { expectedNotices } from '../testing/notices.ts';
import { treeOf } from '../testing/tree.ts';
import { PLAIN } from './encoding.ts';
import { Fanout } from './fanout.ts';
import { createPages } from './pages.ts';

const SMALL_TAIL = 4_000;

function event(sequence: number): NewEvent {
  const callId = `call-${sequence % 7}`;
  const data = Buffer.from(JSON.stringify({ n: sequence, 'Call-ID': callId, filler: 'x'.repeat(100) }));
  return { name: 'DTMF', account: 'root', callId, eventId: `e${sequence}`, traceparent: '', data };
}

/** A fan-out over a real log, with a connection that has stalled and fallen out of the tail. */
async function stalled(logBytes: number) {
  const stop = new AbortController();
  const eventLog = createEmbeddedLog({ partitions: 4, maxBytes: logBytes, now: Date.now });
  const fanout = new Fanout({
    directory: treeOf([['root', null]]),
    offers: () => true,
    cursors,
    pages: createPages(eventLog, stop.signal),
    tailBytes: SMALL_TAIL,
    highWater: 1_000,
  });
  fanout.restart(await eventLog.state());
  const reader = eventLog.reader();
  const sink = new RecordingSink();
  const losses: string[] = [];
  const connection = fanout.join({
    grant: { account: 'root', accounts: null, events: null },
    form: PLAIN,
    sink,
    notices: expectedNotices({
      lost: (reason) => {
        losses.push(reason);
        fanout.leave(connection);
      },
    }),
  });
  async function publish(first: number, count: number): Promise<void> {
    await eventLog.append(Array.from({ length: count }, (_, at) => event(first + at)));
    let left = count;
    while (left > 0 && fanout.position !== null) {
      const outcome = await reader.read(fanout.position, { waitMs: 1_000, signal: stop.signal });
      assert.ok(outcome.kind === 'entries');
      fanout.deliver(outcome.entries);
      left -= outcome.entries.length;
    }
  }
  async function close(): Promise<void> {
    stop.abort();
    await reader[Symbol.asyncDispose]();
    await eventLog[Symbol.asyncDispose]();
  }
  return { fanout, sink, losses, publish, close };
}

test('a connection that fell out of the tail reads pages of the log, catches up and is live again, with nothing lost or doubled', async () => {
  const { fanout, sink, losses, publish, close } = await stalled(16 * 1024 * 1024);
  await publish(0, 50);
  sink.stall();
  await publish(50, 3_000);
  assert.equal(fanout.behind, 1);
  sink.flow();
  for (let turn = 0; fanout.behind > 0; turn += 1) {
    // Events continue while it catches up.
    if (turn % 10 === 0 && turn < 100) await publish(3_050 + turn, 10);
    await nextTurn();
  }
  await publish(4_000, 5);
  const numbers = sink.messages().map((text) => (JSON.parse(text) as { n: number }).n);
  const expected = [...range(0, 3_050), ...numbers.filter((n) => n >= 3_050 && n < 4_000), ...range(4_000, 4_005)];
  assert.deepEqual(
    numbers.toSorted((a, b) => a - b),
    expected.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(numbers).size, numbers.length);
  for (let call = 0; call < 7; call += 1) {
    const ofCall = numbers.filter((n) => n % 7 === call);
    assert.deepEqual(
      ofCall,
      ofCall.toSorted((a, b) => a - b),
    );
  }
  assert.deepEqual(losses, []);
  await close();
});

test('I4: when the log itself has let go of what comes next, the connection is told instead of skipping it', async () => {
  const { fanout, sink, losses, publish, close } = await stalled(200_000);
  await publish(0, 50);
  sink.stall();
  // In steps that the log can hold, so that the test's own reader is not overtaken.
  for (let at = 50; at < 3_050; at += 100) await publish(at, 100);
  sink.flow();
  while (losses.length === 0) await nextTurn();
  assert.deepEqual(losses, ['cursor_too_old']);
  assert.equal(fanout.connections, 0);
  const numbers = sink.messages().map((text) => (JSON.parse(text) as { n: number }).n);
  assert.equal(new Set(numbers).size, numbers.length);
  await close();
});

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, at) => from + at);
}
