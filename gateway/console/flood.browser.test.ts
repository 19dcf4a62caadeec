import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, type Browser } from '../../testing/browser.ts';
import { until } from '../../testing/until.ts';
import { startGateway } from '../testing/running-gateway.ts';
import { flood } from './testing/flood.ts';
import { logIn, openConsole, type OpenedConsole } from './testing/opened-console.ts';
import { paceOf, useOf, watchPace, watchSlowness } from './testing/page-probe.ts';

const LIMIT = { timeout: 240_000 };
const FLOOD = { rate: 3_000, seconds: 60 };
const ALL = FLOOD.rate * FLOOD.seconds;
/** The page keeps 10,000 events: from here on it drops as many as come. */
const FULL = 30_000;
/** What a task and an answer to a key may take. */
const ANSWER_MS = 100;
const MEGABYTE = 2 ** 20;

let browser: Browser;
before(async () => (browser = await openBrowser()));
after(() => browser[Symbol.asyncDispose]());

const numberIn = (text: string): number => Number(/\d[\d,]*/.exec(text)?.[0].replaceAll(',', ''));
const heard = async ({ page }: OpenedConsole) => numberIn(await page.locator('.bottom').innerText());

/** Pauses by the space bar, waits until many are unseen, and resumes. Returns how many were unseen. */
async function pauseAndResume(console: OpenedConsole): Promise<number> {
  const { page } = console;
  await page.keyboard.press('Space');
  await page.locator('.paused-bar').waitFor();
  const first = await page.locator('tr.event').first().textContent();
  const bar = await console.shows('many unseen', '.paused-bar', /^\s*Paused, \d+,\d{3} unseen: resume/);
  assert.equal(await page.locator('tr.event').first().textContent(), first);
  await page.keyboard.press('Space');
  await page.locator('.paused-bar').waitFor({ state: 'detached' });
  return numberIn(bar);
}

test('C4: 3,000 events a second for a minute leave memory flat, and the page answers in 100 ms', LIMIT, async (t) => {
  await using running = await startGateway({});
  const console = await openConsole(browser, running, { prepare: watchPace });
  await logIn(console);
  await console.shows('a connection', '.chip', /connected/);
  const { page } = console;
  const slowness = await watchSlowness((await browser.page()).page);

  const flooding = flood(running, FLOOD);
  // It is awaited below; an assertion that fails before ends the gateway first.
  flooding.catch(() => undefined);
  await until('a full page', () => heard(console), { holds: (seen) => seen >= FULL });
  await console.shows('its rate', '.rate', /[23],\d{3}\/s/);
  const before = await useOf(page);
  const unseen: number[] = [];
  while ((await heard(console)) < ALL * 0.9) unseen.push(await pauseAndResume(console));
  const after = await useOf(page);
  const tookMs = await flooding;
  await until('all of them', () => heard(console), { holds: (seen) => seen === ALL });
  await console.shows('what it dropped', '.bottom', /^180,000 events received; the last 10,000 lines are shown/);

  const [pace, { mean, worst }] = [await paceOf(page), await slowness()];
  t.diagnostic(JSON.stringify({ tookMs, before, after, pace, mean, worst, unseen }));
  // Other processes slow the gateway and the page down alike: what they do to the same work is allowed for.
  assert.ok(tookMs < FLOOD.seconds * 1_100 * mean, `the events took ${tookMs} ms, slowness ${mean}`);
  assert.ok(unseen.length >= 2 && unseen.every((many) => many >= 1_000), `unseen: ${unseen.join(', ')}`);
  assert.ok(after.heap < before.heap * 1.2 + 2 * MEGABYTE, `the heap grew from ${before.heap} to ${after.heap}`);
  assert.ok(after.heap < 40 * MEGABYTE, `the heap has ${after.heap} bytes`);
  assert.ok(after.nodes < before.nodes * 1.5, `nodes grew from ${before.nodes} to ${after.nodes}`);
  assert.ok(after.listeners < before.listeners * 1.5, `listeners grew from ${before.listeners} to ${after.listeners}`);
  assert.ok(after.resident < before.resident * 1.25 + 30 * MEGABYTE, `${before.resident} to ${after.resident} bytes`);
  assert.ok(pace.longestTask < ANSWER_MS * worst, `a task of ${pace.longestTask} ms, slowness ${worst}`);
  assert.ok(pace.longestKey < ANSWER_MS * worst, `a key after ${pace.longestKey} ms, slowness ${worst}`);
  assert.deepEqual(console.faults, []);
});
