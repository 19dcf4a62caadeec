import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openBrowser, type Browser } from '../../testing/browser.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { untilEvents, untilFrame } from '../testing/frames.ts';
import { startGateway, type RunningGateway } from '../testing/running-gateway.ts';
import { logIn, openConsole, unlock } from './testing/opened-console.ts';

const LIMIT = { timeout: 240_000 };
/** `CONSOLE_SCREENSHOTS=FOLDER` writes them there; docs/console.png, which README.md shows, is `1-1-live-events.png` of a run. */
const FOLDER = process.env['CONSOLE_SCREENSHOTS'];
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

let browser: Browser;
let redis: RedisServer;
let running: RunningGateway;
before(async () => {
  browser = await openBrowser();
  redis = await startRedis();
  const environment = { FIREHOSE_SIMULATOR_RATE: '4', FIREHOSE_EXAMPLE_DIRECTORY: 'true' };
  running = await startGateway({ redisUrl: redis.url, calls: { enabled: true }, environment });
});
after(async () => {
  await running[Symbol.asyncDispose]();
  await redis.stop();
  await browser[Symbol.asyncDispose]();
});

const WIDE = { width: 1_280, height: 800 };
const NARROW = { width: 400, height: 800 };

/** One picture as the page is, and one of it in the other colours and on a narrow screen. */
async function shot(page: Page, name: string, isDark = false): Promise<void> {
  if (FOLDER === undefined) return;
  const as = async (dark: boolean, viewport: typeof WIDE, suffix: string) => {
    await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
    await page.setViewportSize(viewport);
    // Two frames: what is drawn for the new size is drawn.
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
    await asItIs(page, `${name}${suffix}`);
  };
  await as(!isDark, WIDE, isDark ? '-light' : '-dark');
  await as(isDark, NARROW, '-narrow');
  await as(isDark, WIDE, '');
}

async function asItIs(page: Page, name: string): Promise<void> {
  if (FOLDER === undefined) return;
  const folder = resolve(ROOT, FOLDER);
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

const link = (page: Page, name: RegExp | string) => page.getByRole('link', { name });

test('a newcomer finds the calls of one account now, and what one of them did', LIMIT, async () => {
  const console = await openConsole(browser, running);
  const { page } = console;
  await logIn(console);
  await console.shows('many events', '.bottom', /[1-9]\d\d events received/);
  await shot(page, '1-1-live-events');
  await link(page, /^Live calls/).click();
  await page.getByLabel('Account').selectOption({ label: 'north-sales' });
  await console.shows('the calls of that account', '.calls', /north-sales/);
  assert.doesNotMatch(await page.locator('.calls tbody').innerText(), /south|north-support/);
  await shot(page, '1-2-live-calls');
  await page.locator('.calls tbody tr', { hasText: 'answered' }).first().getByRole('link').click();
  await console.shows('its ladder', '.ladder', /CHANNEL_ANSWER/);
  await shot(page, '1-3-call');
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save SVG' }).click();
  assert.equal((await download).suggestedFilename(), 'call.svg');
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: console.origin });
  await page.getByRole('button', { name: 'Copy Mermaid' }).click();
  await console.shows('what was done', '.toast', /Mermaid copied/);
  assert.match(await page.evaluate<string>('navigator.clipboard.readText()'), /^sequenceDiagram\n/);
  assert.deepEqual(console.faults, []);
});

test('a newcomer finds the consumer that lags, the dead letter and its cause, and sends it again', LIMIT, async () => {
  const join_ = async () => running.connect(`?token=${await running.token()}&group=default&v=1`);
  const consumer = await join_();
  await untilFrame(consumer, 'hello');
  const [given] = await untilEvents(consumer, 1);
  consumer.send(JSON.stringify({ term: given?._firehose.id, reason: 'no such customer: +15555550123' }));
  await until('the dead letter', async () => (await running.administer('/dead-letters/default')).body['dead_letters'], {
    holds: (letters) => (letters as readonly unknown[]).length > 0,
  });
  consumer.close();
  const console = await openConsole(browser, running, { side: 'inner', dark: true });
  const { page } = console;
  await unlock(console, running);
  await link(page, /^Consumer groups/).click();
  await console.shows('a lag that moves', '.lag', /[1-9]/);
  await console.shows('why', '[data-group=default]', /nobody consumes it/);
  await until('a line of the lag', () => page.locator('.group .spark polyline').count(), {
    holds: (lines) => lines > 0,
  });
  await shot(page, '3-1-groups', true);
  await link(page, 'Dead letters').last().click();
  await console.shows('the cause', 'table', /no such customer/);
  await shot(page, '4-1-dead-letters', true);
  await page.locator('tbody button').first().click();
  await console.shows('the event', '.panel .json', /Event-Name/);
  await shot(page, '4-2-dead-letter', true);
  await page.locator('.panel').getByRole('button', { name: 'Send again…' }).click();
  await page.locator('dialog').waitFor();
  await shot(page, '4-3-send-again', true);
  await page.locator('dialog').getByRole('button', { name: 'Send again' }).click();
  await console.shows('nothing left', '.empty', /No dead letters now/);
  await console.shows(
    'what was done, lastingly',
    '.done',
    /Put back into the log at .*next consumer of\s+group default/s,
  );
  await shot(page, '4-4-sent-again', true);
  for (const name of ['Directory', 'Health']) {
    await link(page, new RegExp(`^${name}`)).click();
    await page.locator('table').waitFor();
    assert.equal(await page.locator('.toast').innerText(), '');
    await shot(page, name.toLowerCase(), true);
  }
  await console.shows('the same judgement', 'table', /nobody consumes it\s*connect a consumer/);
  await link(page, 'Dead letters').last().click();
  await page.locator('.done').getByRole('link', { name: 'Explain this event' }).click();
  await console.shows('what became of it', '.verdict', /[a-z]/);
  assert.deepEqual(console.faults, []);
});

test('a newcomer finds why an event did not arrive', LIMIT, async () => {
  const console = await openConsole(browser, running);
  const { page } = console;
  await logIn(console);
  await console.shows('events', '.bottom', /[1-9]\d events received/);
  await page.locator('tr.event').first().waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.locator('.panel .json').waitFor();
  await shot(page, '2-1-event');
  await page.locator('.panel').getByRole('link', { name: 'Explain' }).click();
  await console.shows('that it was written', '.verdict', /written/);
  await shot(page, '2-2-explain-written');

  // A customer whose program takes answers alone asks for an event that began a call.
  const narrow = await running.connect(`?v=1&token=${await running.token({ events: ['CHANNEL_ANSWER'] })}`);
  await untilFrame(narrow, 'hello');
  const { body } = await running.administer('/connections?limit=1000');
  const { session } = (body['connections'] as { session: string; contract: string }[]).at(-1) ?? { session: '' };
  await page.goto(`${console.origin}/console/#/live?events=CALL_SECURE`);
  await console.shows('the filter', '.in-force', /Shows CALL_SECURE/);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /^Resume/ }).click();
  await running.ingest('{"Event-Name":"CALL_SECURE","Call-ID":"lost-call","Account-ID":"account_id_1"}');
  await page
    .locator('tr.event', { hasText: 'lost-call' })
    .first()
    .click({ position: { x: 200, y: 10 } });
  const id = await page.locator('.panel .facts dd').first().innerText();
  const inner = await openConsole(browser, running, { side: 'inner', at: '#/explain' });
  await unlock(inner, running);
  await shot(inner.page, '2-3-explain-ask');
  await inner.page.getByLabel('Event id').fill(id);
  await inner.page.getByLabel('Call-ID').fill('lost-call');
  await inner.page.getByLabel('Session').fill(session);
  await inner.page.getByRole('button', { name: 'Explain' }).click();
  await inner.shows('the cause', '.verdict', /not written[^]*event_not_granted/);
  // One cause: what fails behind it follows.
  assert.equal(await inner.page.locator('.checks .bad').count(), 1);
  await inner.shows('what follows', '.checks', /the token names CHANNEL_ANSWER\s+event_granted[^]*follows: /);
  await shot(inner.page, '2-4-explain-cause');
  await inner.page.setViewportSize(NARROW);
  await inner.page.getByRole('button', { name: 'Explain' }).click();
  await until('the answer on a small screen', () => inner.page.locator('.verdict').boundingBox(), {
    holds: (box) => box !== null && box.y < NARROW.height / 2,
  });
  await until('the focus on it', () => inner.page.locator('.verdict h2:focus').count(), {
    holds: (seen) => seen === 1,
  });
  await asItIs(inner.page, '2-5-explain-again-narrow');
  narrow.close();
  assert.deepEqual([...console.faults, ...inner.faults], []);
});
