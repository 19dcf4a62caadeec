import type { Page } from 'playwright-core';
import { CONSOLE_PATH } from '../../protocol/paths.ts';
import { ensureBrowser, openBrowser, type Browser } from '../../testing/browser.ts';
import { until } from '../../testing/until.ts';
import { ACCOUNT, LOGIN, PARTITIONS } from './configuration.ts';
import type { Published } from './load.ts';
import { start, type Conversation } from './processes.ts';
import { judge, TARGETS, type Ratio } from './ratios.ts';
import { progress, type RunContext } from './run-context.ts';
import { startGateway, type Bench } from './servers.ts';

const RATE = 500;
const WARM_SECONDS = 2;
/** So high that every event is a row of at least one frame: ten frames a second have 50 new events each. */
const VIEWPORT = { width: 1_280, height: 4_000 };

/**
 * Collects, for each event, the milliseconds from its time in the log until its row was painted: a message that is posted when the
 * rows change is read after the frame was painted. A row that was never drawn counts as infinite.
 */
const WATCH = `
  globalThis.paintedAfter = [];
  const DAY = 86_400_000;
  const heardSoFar = () => Number(/[\\d,]+/.exec(document.querySelector('.bottom').textContent)[0].replaceAll(',', ''));
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data: { times, missed } }) => {
    const now = new Date();
    const sinceMidnight = now - new Date(now.getFullYear(), now.getMonth(), now.getDate());
    for (const time of times) {
      const [hours, minutes, seconds] = time.split(':').map(Number);
      const at = (hours * 3_600 + minutes * 60 + seconds) * 1_000;
      paintedAfter.push((sinceMidnight - at + DAY) % DAY);
    }
    for (let n = 0; n < missed; n += 1) paintedAfter.push(Infinity);
  };
  let known = heardSoFar();
  new MutationObserver(() => {
    const heard = heardSoFar();
    const fresh = heard - known;
    if (fresh <= 0) return;
    known = heard;
    const rows = [...document.querySelectorAll('tr.event td.time')].slice(0, fresh);
    port2.postMessage({ times: rows.map((row) => row.textContent.trim()), missed: fresh - rows.length });
  }).observe(document.querySelector('#content'), { subtree: true, childList: true, characterData: true });
`;

/** P25: from the log to the painted row of the console. */
export async function measureConsole({ bench, mode }: RunContext): Promise<Ratio[]> {
  const installed = ensureBrowser(progress);
  if (!installed.ok) {
    console.log(`without the console: ${installed.remedy}`);
    return [];
  }
  await using browser = await openBrowser();
  const figures: number[] = [];
  for (let round = 1; round <= mode.pacedRounds; round += 1) {
    const painted = await paint(bench, browser, mode.pacedSeconds);
    const sorted = painted.toSorted((a, b) => a - b);
    const p95 = sorted[Math.floor(sorted.length * 0.95)] ?? Number.NaN;
    progress(`  console: ${painted.length} rows, median ${sorted[Math.floor(sorted.length / 2)]} ms, p95 ${p95} ms`);
    figures.push(p95);
  }
  return [judge(TARGETS.P25, figures)];
}

async function paint(bench: Bench, browser: Browser, seconds: number): Promise<readonly number[]> {
  await bench.redis.restart();
  await using server = await startGateway(bench, 1);
  const { page } = await browser.page();
  await open(page, server.port);
  const feed = [bench.programs.publisher, server.feedPort, ACCOUNT, PARTITIONS, 0, server.dialect, 0, 0].map(String);
  await using publisher = await start(feed, { place: 'load' });
  await pace(publisher, WARM_SECONDS);
  await page.evaluate(WATCH);
  const published = await pace(publisher, seconds);
  const expected = RATE * seconds;
  const painted = await untilPainted(page, expected);
  await page.context().close();
  if (published.lateUs > 100_000) return [];
  return painted;
}

async function open(page: Page, port: number): Promise<void> {
  await page.setViewportSize(VIEWPORT);
  await page.goto(`http://127.0.0.1:${port}${CONSOLE_PATH}`);
  for (const [name, value] of Object.entries(LOGIN)) await page.locator(`input[name=${name}]`).fill(value);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.locator('.chip.good').waitFor();
}

const pace = (publisher: Conversation, seconds: number) =>
  publisher.ask<Published>(`pace ${RATE} ${RATE * seconds}`, seconds * 1_000 + 30_000);

/** The figures of all rows; the last rows may not be painted yet. */
async function untilPainted(page: Page, expected: number): Promise<readonly number[]> {
  return until('every row', () => page.evaluate<number[]>('paintedAfter'), {
    holds: (painted) => painted.length >= expected,
    limitMs: 10_000,
  });
}
