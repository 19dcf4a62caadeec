import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createEmbeddedLog } from '../../event-log/embedded-log.ts';
import { createLogWindow } from '../../event-log/log-window.ts';
import { compareIds } from '../../protocol/position.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { until } from '../../testing/until.ts';
import { createCallCounters } from './counters.ts';
import { createEmbeddedTable } from './embedded-table.ts';
import { Keeper } from './keeper.ts';
import { createPace } from './pace.ts';

/** Events that a busy fan-out has not read yet. */
const BEHIND = 5;
/** Longer than a keeper trusts a feed that brings nothing. */
const ROUNDS_MS = 3_500;
/** Between two reads of the fan-out: longer than a keeper rests after a few entries. */
const EVERY_MS = 150;

test('a keeper does not overtake a fan-out that is behind the log: it would read every entry a second time', async () => {
  await using eventLog = createEmbeddedLog({ partitions: 1, maxBytes: 1024 * 1024, now: Date.now });
  const table = createEmbeddedTable(1, eventLog);
  const read = { pages: 0 };
  const range: typeof eventLog.range = (...asked) => {
    read.pages += 1;
    return eventLog.range(...asked);
  };
  const keeper = new Keeper(
    {
      table,
      eventLog: { range, state: () => eventLog.state() },
      window: createLogWindow(eventLog, performance.now.bind(performance)),
      counters: createCallCounters(),
      rules: { silentMs: 3_600_000, graceMs: 60_000, lateEnd: 'Amend' },
      feedBytes: 1024 * 1024,
      owns: () => true,
      turn: createPace(),
      logger: silentLogger,
      now: Date.now,
    },
    0,
  );
  const over = new AbortController();
  const running = keeper.run(over.signal);
  const say = async (n: number) => {
    const data = Buffer.from('{"Event-Name":"CHANNEL_CREATE"}');
    const leg = { name: 'CHANNEL_CREATE', account: 'acme', callId: `leg-${n}` };
    await eventLog.append([{ ...leg, eventId: `e${n}`, traceparent: '', data }]);
  };
  const tableAt = (id: string) =>
    until('the table at an entry or after it', async () => (await table.at(0))?.id, {
      holds: (seen) => seen !== undefined && compareIds(seen, id) >= 0,
    });
  await say(0);
  const { epoch, newest } = await eventLog.state();
  let at = newest[0] ?? '';
  await tableAt(at);
  for (let n = 1; n <= BEHIND; n += 1) await say(n);
  const begun = performance.now();
  for (let n = BEHIND + 1; performance.now() - begun < ROUNDS_MS; n += 1) {
    await say(n);
    const [entry] = await eventLog.range(0, at, 1);
    assert.ok(entry);
    if (n === BEHIND + 1) read.pages = 0;
    keeper.offer([entry], { epoch, id: at });
    at = entry.id;
    await tableAt(at);
    await delay(EVERY_MS);
  }
  // The state of the log is compared every five seconds, and then a page is read.
  assert.ok(read.pages <= 1, `${read.pages} pages were read`);
  over.abort();
  await running;
});
