import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openBrowser, type Browser } from '../../testing/browser.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { untilEvents, untilFrame } from '../testing/frames.ts';
import { startGateway, type Client, type RunningGateway } from '../testing/running-gateway.ts';
import { assertOwnRequestsAlone, openConsole, unlock } from './testing/opened-console.ts';

const LIMIT = { timeout: 240_000 };
const event = (n: number) =>
  JSON.stringify({ 'Event-Name': 'DTMF', 'Call-ID': `call-${n}`, 'Account-ID': 'account_id_1', 'DTMF-Digit': '5', n });

let browser: Browser;
let redis: RedisServer;
let running: RunningGateway;
before(async () => {
  browser = await openBrowser();
  redis = await startRedis();
  running = await startGateway({ redisUrl: redis.url });
});
after(async () => {
  await running[Symbol.asyncDispose]();
  await redis.stop();
  await browser[Symbol.asyncDispose]();
});

const join = async (query: string): Promise<Client> => running.connect(`?token=${await running.token()}${query}`);

/** Gives events up, as a consumer that cannot handle them. */
async function giveUp(reasons: readonly string[]): Promise<void> {
  const client = await join('&group=default&v=1');
  await untilFrame(client, 'hello');
  await until(
    'accepted events',
    async () => (await running.ingest(reasons.map((_, n) => event(n)).join('\n'))).status === 200,
  );
  const events = await untilEvents(client, reasons.length);
  for (const [at, { _firehose }] of events.entries()) {
    client.send(JSON.stringify({ term: _firehose.id, reason: reasons[at] ?? '' }));
  }
  await until('dead letters', async () => (await running.administer('/dead-letters/default')).body['dead_letters'], {
    holds: (letters) => (letters as readonly unknown[]).length === reasons.length,
  });
  client.close();
}

test('C3, C5: a wrong admin token is said on its page; the right one is in memory alone', LIMIT, async () => {
  const console = await openConsole(browser, running, { side: 'inner' });
  const { page } = console;
  await page.getByLabel('Admin token').fill('wrong');
  await page.getByRole('button', { name: 'Open' }).click();
  await console.shows('why not', '[role=alert]', /does not take this token/);
  await unlock(console, running);
  assert.equal(await page.evaluate(() => sessionStorage.length + localStorage.length), 0);
  await page.getByRole('button', { name: 'Forget the token' }).click();
  await page.getByLabel('Admin token').waitFor();
  assertOwnRequestsAlone(console);
  assert.deepEqual(console.faults, []);
});

test('C5: a connection is shown, and its user revoked after a question', LIMIT, async () => {
  const client = await join('&v=1');
  const console = await openConsole(browser, running, { side: 'inner', at: '#/connections' });
  const { page } = console;
  await unlock(console, running);
  await console.shows('the connection', 'table', /admin.*control/s);
  await page.getByRole('button', { name: 'Revoke…' }).first().click();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.locator('dialog').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Revoke…' }).first().click();
  await page.locator('dialog').getByRole('button', { name: 'Revoke' }).click();
  await console.shows('what was done', '.toast', /admin is revoked: 1 connections closed/);
  assert.equal((await client.closed).code, 4503);
  await console.shows('nobody', '.empty', /Nobody is connected/);
  assert.deepEqual(console.faults, []);
});

test('C5: the lag of a group moves by itself', LIMIT, async () => {
  const member = await join('&group=default&v=1');
  await untilFrame(member, 'hello');
  const console = await openConsole(browser, running, { side: 'inner', at: '#/groups' });
  await unlock(console, running);
  await console.shows('the group with its member', '[data-group=default]', /connections\s*1 of /);
  member.close();
  await console.shows('the group alone', '[data-group=default]', /nobody consumes it/);
  await running.ingest(Array.from({ length: 40 }, (_, n) => event(100 + n)).join('\n'));
  await console.shows('its lag', '.lag', /^[1-9]\d*$/);
  const line = await console.page.locator('.group .spark').first().getAttribute('aria-label');
  assert.match(line ?? '', /Lag of default: now \d+/);
  const next = await join('&group=default&v=1');
  const events = await untilEvents(next, 40);
  for (const { _firehose } of events) next.send(JSON.stringify({ ack: [_firehose.id] }));
  await console.shows('no lag', '.lag', /^0$/);
  next.close();
  assert.deepEqual(console.faults, []);
});

test('C5: a dead letter shows its cause and its event, and goes back into the log, one or all', LIMIT, async () => {
  await giveUp(['no such <b>customer</b>', 'timeout', 'timeout']);
  const console = await openConsole(browser, running, { side: 'inner', at: '#/groups' });
  const { page } = console;
  await unlock(console, running);
  await page.getByRole('link', { name: 'Dead letters' }).last().click();
  await console.shows('the causes', 'table', /given up by its consumer: no such <b>customer<\/b>.*timeout/s);
  await page
    .getByRole('row', { name: /customer/ })
    .getByRole('button', { name: 'DTMF' })
    .click();
  await console.shows('its event', '.panel .json', /"DTMF-Digit": "5"/);
  await page.locator('.panel').getByRole('button', { name: 'Send again…' }).click();
  await page.locator('dialog').getByRole('button', { name: 'Send again' }).click();
  await console.shows('what was done', '.toast', /back in the log/);
  await console.shows('the others', '.top .chip', /^2$/);
  await page.getByLabel('Account').fill('account_id_2');
  await page.keyboard.press('Enter');
  await console.shows('none of another account', '.empty', /No dead letters now/);
  await page.getByLabel('Account').fill('');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Send all again (2)…' }).click();
  await page.locator('dialog').getByRole('button', { name: 'Send them again' }).click();
  await console.shows('nothing left', '.empty', /No dead letters now/);
  assert.deepEqual(console.faults, []);
});

test('C5: the directory is opened level by level, and searched', LIMIT, async () => {
  const console = await openConsole(browser, running, { side: 'inner', at: '#/directory' });
  const { page } = console;
  await unlock(console, running);
  await console.shows('the root', '.tree', /admin.*admin\.sip\.example\.com.*enabled/s);
  await page.getByRole('button', { name: /accounts below admin$/ }).click();
  await page.getByRole('button', { name: /accounts below north$/ }).click();
  await console.shows('two levels', '.tree', /north-sales.*north-support/s);
  await page.getByRole('button', { name: /accounts below admin$/ }).click();
  assert.doesNotMatch(await page.locator('.tree').innerText(), /north|argon2/);
  await page.getByLabel('Find').fill('south.sip.example.com');
  await page.keyboard.press('Enter');
  await console.shows('the one that was looked for', '.tree', /account_id_2/);
  assert.deepEqual(console.faults, []);
});

test('health and sources say what this gateway finds', LIMIT, async () => {
  const console = await openConsole(browser, running, { side: 'inner', at: '#/health' });
  await unlock(console, running);
  await console.shows('a finding', 'table', /ok.*ready\.log.*reached/s);
  await console.page.getByRole('link', { name: 'Sources' }).click();
  await console.shows('that there is none', '.empty', /No source reports here/);
  assert.deepEqual(console.faults, []);
});

test('a page that nobody sees asks nothing for a minute, and at once when it is seen again', LIMIT, async () => {
  const prepare = (page: Page) => page.clock.install();
  const console = await openConsole(browser, running, { side: 'inner', at: '#/groups', prepare });
  const { page } = console;
  const asked = () => console.requested.filter((url) => url.endsWith('/admin/groups')).length;
  await unlock(console, running);
  await console.shows('the group', '[data-group=default]', /default/);
  const becomes = (isHidden: boolean) =>
    page.evaluate(`
      Object.defineProperty(document, 'hidden', { configurable: true, value: ${isHidden} });
      document.dispatchEvent(new Event('visibilitychange'));
    `);
  const seen = asked();
  await until('a question by itself', async () => {
    await page.clock.runFor(2_000);
    return asked() > seen;
  });
  await becomes(true);
  // The one that was due when it became hidden, and its answer.
  await page.clock.runFor(3_000);
  await page.waitForLoadState('networkidle');
  const last = asked();
  for (let times = 0; times < 10; times += 1) {
    await page.clock.runFor(5_000);
    await page.evaluate('fetch(location.pathname)');
  }
  assert.equal(asked(), last, 'questions while nobody sees it');
  await becomes(false);
  await until('a question at once', () => asked() > last);
  assert.deepEqual(console.faults, []);
});
