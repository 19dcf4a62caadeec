import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { openBrowser, type Browser } from '../../testing/browser.ts';
import { until } from '../../testing/until.ts';
import { events } from '../testing/group-replica.ts';
import { ADMIN, startGateway } from '../testing/running-gateway.ts';
import { SelfServiceSuite } from '../testing/self-service-suite.ts';
import { logIn, openConsole, unlock } from './testing/opened-console.ts';

const LIMIT = { timeout: 240_000 };
const AXE = createRequire(import.meta.url).resolve('axe-core');
const NARROW = { width: 390, height: 780 };

let browser: Browser;
before(async () => (browser = await openBrowser()));
after(() => browser[Symbol.asyncDispose]());

/** What axe finds on the page as it is. It is evaluated past the policy of the page, which lets no foreign script in. */
async function faultsOf(page: Page): Promise<readonly string[]> {
  await page.evaluate(await readAxe());
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run: () => Promise<AxeResults> } }).axe.run(),
  );
  return violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes
        .map(({ html }) => html.slice(0, 160))
        .slice(0, 3)
        .join(' | ')}`,
  );
}

let axe: Promise<string> | null = null;
function readAxe(): Promise<string> {
  return (axe ??= readFile(AXE, 'utf8'));
}

/** No part of the page is cut off by the edge of the screen, and the page itself never scrolls sideways. */
async function assertFits(page: Page): Promise<void> {
  const wide = await page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  );
  assert.equal(wide, 0);
}

for (const dark of [false, true]) {
  test(`axe finds no fault on any page, ${dark ? 'dark' : 'light'}, wide and narrow`, LIMIT, async () => {
    await using running = await startGateway({
      calls: { enabled: true },
      environment: { FIREHOSE_SIMULATOR_RATE: '3' },
    });
    const console = await openConsole(browser, running, { dark });
    const { page } = console;
    const found: [string, readonly string[]][] = [];
    const look = async (name: string) => {
      found.push([name, await faultsOf(page)]);
      await page.setViewportSize(NARROW);
      await assertFits(page);
      found.push([`${name}, narrow`, await faultsOf(page)]);
      await page.setViewportSize({ width: 1_280, height: 800 });
    };
    await look('login');
    await logIn(console);
    await console.shows('events', '.events', /CHANNEL_ANSWER/);
    await look('live');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.locator('.panel').waitFor();
    await page.keyboard.press('/');
    await page.locator('#filter').waitFor();
    await look('event and filter');
    await page.getByRole('link', { name: /Live calls/ }).click();
    await console.shows('calls', '.calls', /answered/);
    await look('calls');
    await page.locator('.calls a').last().click();
    await console.shows('a call', '.ladder', /CHANNEL_CREATE/);
    await look('call');
    const inner = await openConsole(browser, running, { side: 'inner', dark });
    await unlock(inner, running);
    for (const link of await inner.page.locator('nav a').all()) {
      await link.click();
      await inner.page.locator('h1').waitFor();
      await until('an answer', () => inner.page.getByText('Asking the gateway').count(), {
        holds: (seen) => seen === 0,
      });
      const name = `inner ${await inner.page.locator('h1').innerText()}`;
      found.push([name, await faultsOf(inner.page)]);
      await inner.page.setViewportSize(NARROW);
      await assertFits(inner.page);
      found.push([`${name}, narrow`, await faultsOf(inner.page)]);
      await inner.page.setViewportSize({ width: 1_280, height: 800 });
    }
    assert.deepEqual(
      found.filter(([, faults]) => faults.length > 0),
      [],
    );
  });
}

test('C6: everything is done by the keyboard alone', LIMIT, async () => {
  await using running = await startGateway({ calls: { enabled: true }, environment: { FIREHOSE_SIMULATOR_RATE: '3' } });
  const console = await openConsole(browser, running);
  const { page } = console;
  const { keyboard } = page;
  const focused = () => page.evaluate<string>("document.activeElement?.innerText.trim() ?? ''");
  const tabTo = (name: RegExp) =>
    until(
      `the focus on ${name}`,
      async () => {
        await keyboard.press('Tab');
        return focused();
      },
      { holds: (text) => name.test(text) },
    );
  // The first field has the focus.
  await page.locator('input:focus').waitFor();
  for (const text of [ADMIN.username, ADMIN.password, ADMIN.domain]) {
    await keyboard.type(text);
    await keyboard.press('Tab');
  }
  await keyboard.press('Enter');
  await console.shows('events', '.events', /CHANNEL_ANSWER/);
  await keyboard.press('ArrowDown');
  await keyboard.press('ArrowDown');
  await keyboard.press('Enter');
  await page.locator('.panel').waitFor();
  await keyboard.press('Escape');
  await page.locator('.panel').waitFor({ state: 'detached' });
  await keyboard.press('Space');
  await page.locator('.paused-bar').waitFor({ state: 'detached' });
  await keyboard.press('/');
  await page.locator('#filter input:focus').waitFor();
  await keyboard.press('Space');
  await keyboard.press('Enter');
  await console.shows('the filter', '.in-force', /Shows CHANNEL_CREATE/);
  await tabTo(/^Live calls/);
  await keyboard.press('Enter');
  await console.shows('calls', '.calls', /answered/);
  await tabTo(/^[0-9a-f-]+…/);
  await keyboard.press('Enter');
  await console.shows('a call', '.ladder', /CHANNEL_CREATE/);
  await keyboard.press('ArrowDown');
  await page.locator('.steps .json').waitFor();
  await tabTo(/^All events/);
  await keyboard.press('Enter');
  await tabTo(/^Log out/);
  await keyboard.press('Enter');
  await page.getByLabel('User name').waitFor();
  assert.deepEqual(console.faults, []);
});

test('axe finds no fault on the pages of webhooks and sinks, wide and narrow', LIMIT, async () => {
  await using suite = await SelfServiceSuite.start();
  const nats = { servers: ['nats://127.0.0.1:1'], stream: 'CALLS', subject: 'firehose.{account}.{event}' };
  await using it = await suite.open({ groups: [{ name: 'bus', account: 'account_id_1', nats }] });
  await it.create();
  await it.append(events(['call-1'], 2));
  const look = async (page: Page) => {
    await page
      .getByRole('button', { name: /^Last / })
      .first()
      .click();
    await page.locator('.attempts').waitFor();
    const wide = await faultsOf(page);
    await page.setViewportSize(NARROW);
    await assertFits(page);
    return [...wide, ...(await faultsOf(page))];
  };
  const inner = await openConsole(browser, it.running, { side: 'inner', at: '#/groups' });
  await unlock(inner, it.running);
  assert.deepEqual(await look(inner.page), []);
  const owner = await openConsole(browser, it.running, { at: '#/webhooks', dark: true });
  await logIn(owner, { username: 'operator', password: 'operatorpassword', domain: 'north' });
  assert.deepEqual(await look(owner.page), []);
});
