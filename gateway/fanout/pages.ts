import { setTimeout as delay } from 'node:timers/promises';
import { compareIds, latest, type Position } from '../../protocol/position.ts';
import { isTooOld } from '../../event-log/log-window.ts';
import { LogUnavailable, type EventLog, type StoredEntry } from '../../event-log/event-log.ts';
import type { PageOutcome, PageSource } from './puller.ts';
import { after, batchesOf, buildRound } from './round.ts';

/** Entries for each partition and page. */
const PAGE_ENTRIES = 128;
/** Pages that the process reads at the same time: connections that are far behind share the log's spare capacity. */
const CONCURRENT_PAGES = 4;
const RETRY_MS = 500;

/**
 * Pages of the log for connections that fell out of the tail. A page is delivered only if the log still reaches back to
 * the requested position after it was read: entries that were trimmed in between are a gap, which is reported and never
 * skipped (I4).
 */
export function createPages(eventLog: EventLog, signal: AbortSignal): PageSource {
  let reading = 0;
  const waiting: (() => void)[] = [];
  return async (from, until) => {
    if (reading >= CONCURRENT_PAGES) await new Promise<void>((resolve) => waiting.push(resolve));
    reading += 1;
    try {
      return await readWithRetry(eventLog, { from, until, signal });
    } finally {
      reading -= 1;
      waiting.shift()?.();
    }
  };
}

async function readWithRetry(
  eventLog: EventLog,
  page: { from: Position; until: Position; signal: AbortSignal },
): Promise<PageOutcome> {
  for (;;) {
    try {
      return await readPage(eventLog, page.from, page.until);
    } catch (error) {
      if (!(error instanceof LogUnavailable)) throw error;
      await delay(RETRY_MS, undefined, { signal: page.signal });
    }
  }
}

async function readPage(eventLog: EventLog, from: Position, until: Position): Promise<PageOutcome> {
  const pages = await Promise.all(from.ids.map(async (id, partition) => eventLog.range(partition, id, PAGE_ENTRIES)));
  const state = await eventLog.state();
  if (state.epoch !== from.epoch || until.epoch !== from.epoch) return { kind: 'lost', reason: 'epoch_lost' };
  if (isTooOld(from, state)) {
    return { kind: 'lost', reason: 'cursor_too_old' };
  }
  let complete = true;
  const entries: StoredEntry[] = [];
  for (const [partition, page] of pages.entries()) {
    const end = until.ids[partition] ?? '0-0';
    const wanted = page.filter((entry) => compareIds(entry.id, end) <= 0);
    if (wanted.length === page.length && page.length === PAGE_ENTRIES) complete = false;
    entries.push(...wanted);
  }
  const ids = complete ? latest(from.ids, until.ids) : after(from.ids, entries);
  let at = from.ids;
  const rounds = [...batchesOf(entries)].map((batch) => {
    const round = buildRound({ number: -1, epoch: from.epoch, from: at, cursors: eventLog.cursors }, batch);
    at = round.to;
    return round;
  });
  return { kind: 'page', rounds, ids, complete };
}
