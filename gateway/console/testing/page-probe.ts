import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';

/** What a page needs at one moment. */
export interface PageUse {
  /** Bytes of objects that are reachable, without the texts of events. */
  readonly heap: number;
  /** Bytes of memory of all processes that draw pages. */
  readonly resident: number;
  readonly nodes: number;
  readonly listeners: number;
}

/** How a page answered since it was last asked, in milliseconds. */
export interface PagePace {
  /** The longest task of its main thread; 50 where none was longer. */
  readonly longestTask: number;
  /** The longest time from a key to the picture after it; 0 without a key. */
  readonly longestKey: number;
  readonly keys: number;
}

/** Runs before the page's own scripts. */
const WATCH = `
  globalThis.pace = { longestTask: 50, longestKey: 0, keys: 0 };
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) pace.longestTask = Math.max(pace.longestTask, duration);
  }).observe({ type: 'longtask' });
  new PerformanceObserver((list) => {
    for (const { name, duration } of list.getEntries()) {
      if (name !== 'keydown') continue;
      pace.longestKey = Math.max(pace.longestKey, duration);
      pace.keys += 1;
    }
  }).observe({ type: 'event', durationThreshold: 16 });
`;
/** A page that does the same small work again and again. */
const WORK = `
  globalThis.durations = [];
  const work = () => {
    let sum = 0;
    for (let n = 0; n < 4e6; n += 1) sum = (sum * 31 + n) % 1_000_003;
    return sum;
  };
  for (let n = 0; n < 20; n += 1) work();
  setInterval(() => {
    const begun = performance.now();
    work();
    durations.push(performance.now() - begun);
  }, 250);
`;

/** How many times as long as at its best the machine took for the same work: 1 where nothing else ran. */
export interface Slowness {
  readonly mean: number;
  readonly worst: number;
}

/** Begins to measure how much other processes slow this machine down, by a page that does nothing else. */
export async function watchSlowness(page: Page): Promise<() => Promise<Slowness>> {
  await page.evaluate(WORK);
  return async () => {
    const durations = await page.evaluate<number[]>('durations');
    const best = Math.min(...durations);
    const mean = durations.reduce((sum, one) => sum + one, 0) / durations.length;
    return { mean: mean / best, worst: Math.max(...durations) / best };
  };
}

/** When the frame with the first page of the console was painted, since the request for its document. */
const FIRST_PAINT = `
  const look = () => {
    if (document.querySelector('main') === null) return requestAnimationFrame(look);
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => (globalThis.paintedAfter = performance.now());
    port2.postMessage(null);
  };
  requestAnimationFrame(look);
`;

export const watchFirstPaint = (page: Page): Promise<unknown> => page.addInitScript(FIRST_PAINT);

/** Milliseconds; undefined before it. */
export const firstPaintOf = (page: Page): Promise<number | undefined> =>
  page.evaluate<number | undefined>('globalThis.paintedAfter');

export const watchPace = (page: Page): Promise<unknown> => page.addInitScript(WATCH);

export async function paceOf(page: Page): Promise<PagePace> {
  return page.evaluate<PagePace>('pace');
}

/** After what is not reachable is collected. */
export async function useOf(page: Page): Promise<PageUse> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.enable');
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  const { nodes, jsEventListeners } = await session.send('Memory.getDOMCounters');
  return { heap: usedSize, resident: await residentBytes(page), nodes, listeners: jsEventListeners };
}

async function residentBytes(page: Page): Promise<number> {
  const session = await page.context().browser()?.newBrowserCDPSession();
  if (session === undefined) throw new Error('unreachable: the page is of a browser');
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  const sizes = processInfo
    .filter(({ type }) => type === 'renderer')
    .map(({ id }) => /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${id}/status`, 'utf8')));
  return sizes.reduce((sum, size) => sum + Number(size?.[1] ?? 0) * 1_024, 0);
}
