import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { openBrowser, type Browser } from '../../testing/browser.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { untilEvents, untilFrame } from '../testing/frames.ts';
import { events } from '../testing/group-replica.ts';
import { startGateway, type RunningGateway } from '../testing/running-gateway.ts';
import { SelfServiceSuite, URL } from '../testing/self-service-suite.ts';
import { HookedResource, newSecret } from '../testing/webhook-gateway.ts';
import { WebhookReceiver } from '../testing/webhook-receiver.ts';
import { logIn, openConsole, unlock } from './testing/opened-console.ts';
import { unusedHandlers, watchFunctions } from './testing/pressed.ts';

const LIMIT = { timeout: 300_000 };
type Recorded = Parameters<typeof unusedHandlers>[0][number];

let browser: Browser;
let redis: RedisServer;
let running: RunningGateway;
before(async () => {
  browser = await openBrowser();
  redis = await startRedis();
  const environment = { FIREHOSE_SIMULATOR_RATE: '5', FIREHOSE_EXAMPLE_DIRECTORY: 'true' };
  running = await startGateway({ redisUrl: redis.url, calls: { enabled: true }, environment });
});
after(async () => {
  await running[Symbol.asyncDispose]();
  await redis.stop();
  await browser[Symbol.asyncDispose]();
});

const button = (page: Page, name: RegExp | string) => page.getByRole('button', { name });
const link = (page: Page, name: RegExp | string) => page.getByRole('link', { name });

/** Presses everything that a login has. */
async function pressAllOfLogin(): Promise<Recorded> {
  const console = await openConsole(browser, running, { prepare: watchFunctions });
  const { page } = console;
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: console.origin });
  await logIn(console);
  await console.shows('events', '.bottom', /[1-9]\d events received/);
  await page.locator('.skip').focus();
  await page.keyboard.press('Enter');
  await button(page, /^Pause/).click();
  await page.locator('.paused-bar').click();
  await button(page, /^Filter/).click();
  await button(page, 'Cancel').click();
  await page.locator('#filter').waitFor({ state: 'detached' });
  await button(page, /^Filter/).click();
  await page.getByLabel('CHANNEL_ANSWER', { exact: true }).check();
  await page.getByLabel('Another account').fill('account_id_3');
  await page.keyboard.press('Tab');
  await button(page, 'Apply').click();
  await console.shows('the filter', '.in-force', /CHANNEL_ANSWER of account_id_3/);
  await button(page, 'Clear').click();
  await console.shows('no filter', '.in-force', /everything/);
  await page
    .locator('tr.event')
    .nth(3)
    .click({ position: { x: 200, y: 10 } });
  for (const name of ['Copy JSON', 'Copy id', 'curl', 'websocat', 'TypeScript']) {
    await button(page, name).click();
    await console.shows('what was done', '.toast', /copied/);
  }
  await button(page, /^Close/).click();
  await button(page, 'Theme: system').click();
  await page.locator('tr.event td.call a').first().click();
  await console.shows('its ladder', '.ladder', /CHANNEL_/);
  await page
    .locator('.ladder .row')
    .first()
    .click({ position: { x: 20, y: 10 } });
  await button(page, 'All events').click();
  await page.locator('.steps').getByRole('button').first().click();
  const download = page.waitForEvent('download');
  await button(page, 'Save SVG').click();
  await download;
  await button(page, 'Copy Mermaid').click();
  await link(page, /^Live calls/).click();
  await console.shows('calls', '.calls', /answered/);
  await page.getByLabel('Account').selectOption({ index: 1 });
  await link(page, 'Explain').first().click();
  await page.getByLabel('Event id').fill('never');
  await button(page, 'Explain').click();
  await console.shows('its answer', '.verdict', /unknown/);
  await button(page, 'Log out').click();
  await page.getByLabel('User name').waitFor();
  assert.deepEqual(console.faults, []);
  return page.coverage.stopJSCoverage();
}

/** Gives two events of an account up, as a consumer that cannot handle them. */
async function giveUpTwo(): Promise<void> {
  const consumer = await running.connect(`?token=${await running.token()}&group=default&v=1`);
  await untilFrame(consumer, 'hello');
  const given = (await untilEvents(consumer, 2)).slice(0, 2);
  for (const { _firehose } of given) consumer.send(JSON.stringify({ term: _firehose.id, reason: 'no such customer' }));
  await until(
    'two dead letters',
    async () => (await running.administer('/dead-letters/default')).body['dead_letters'],
    {
      holds: (letters) => (letters as readonly unknown[]).length >= 2,
    },
  );
  consumer.close();
}

/** Presses everything that administrators have but what is about webhooks. */
async function pressAllOfAdministrator(): Promise<Recorded> {
  await giveUpTwo();
  const client = await running.connect(`?token=${await running.token()}&v=1`);
  const console = await openConsole(browser, running, { side: 'inner', prepare: watchFunctions });
  const { page } = console;
  const dialog = page.locator('dialog');
  await unlock(console, running);
  await console.shows('the connection', 'table', /admin/);
  await button(page, 'Revoke…').first().click();
  await button(page, 'Cancel').click();
  await dialog.waitFor({ state: 'detached' });
  await button(page, 'Revoke…').first().click();
  await dialog.waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await button(page, 'Revoke…').first().click();
  await dialog.getByRole('button', { name: 'Revoke' }).click();
  assert.equal((await client.closed).code, 4503);
  await link(page, 'Dead letters').first().click();
  await console.shows('both letters', '.top .chip', /^2$/);
  const letters = page.locator('tbody tr');
  await letters.first().getByRole('button').first().click();
  await button(page, /^Close/).click();
  await letters.first().getByRole('button').first().click();
  await page.locator('.panel').getByRole('button', { name: 'Send again…' }).click();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'detached' });
  await letters.first().getByRole('button', { name: 'Send again…' }).click();
  await dialog.getByRole('button', { name: 'Send again' }).click();
  await console.shows('one letter', '.top .chip', /^1$/);
  await button(page, 'Send all again (1)…').click();
  await dialog.getByRole('button', { name: 'Send them again' }).click();
  await console.shows('no letter', '.top .chip', /^0$/);
  await page.getByLabel('Group').dispatchEvent('change');
  await page.getByLabel('Account').fill('account_id_2');
  await page.keyboard.press('Enter');
  await link(page, 'Directory').click();
  await button(page, /accounts below admin$/).click();
  await page.getByLabel('Find').fill('south.sip.example.com');
  await page.keyboard.press('Enter');
  await console.shows('what was looked for', '.tree', /account_id_2/);
  await button(page, 'Forget the token').click();
  await page.getByLabel('Admin token').waitFor();
  assert.deepEqual(console.faults, []);
  return page.coverage.stopJSCoverage();
}

/** Tests a webhook, and enables it after its receiver has turned it off. */
async function pressAllOfWebhook(): Promise<Recorded> {
  await using receiver = await WebhookReceiver.start(newSecret());
  await using resource = await HookedResource.create({ redisUrl: redis.url, receiver });
  await using gateway = await resource.start(silentLogger);
  const console = await openConsole(browser, { gateway }, { side: 'inner', at: '#/groups', prepare: watchFunctions });
  const { page } = console;
  await unlock(console, { stateFolder: join(resource.folder, 'state') });
  await console.shows('its state', '.webhook', /Webhook to localhost:\d+[^]*sending/);
  await button(page, 'Last requests').click();
  await console.shows('that there are none', '.group', /sent nothing yet/);
  await button(page, 'Last requests').click();
  await button(page, 'Send a test event').click();
  await console.shows('the answer', '.toast', /Test event: .*204/);
  receiver.behave((_, response) => response.writeHead(410).end());
  const published = events(['call-1'], 2);
  await resource.publish(published);
  await console.shows('that it is off', '.webhook', /off: gone/);
  receiver.behave((hook, response) => receiver.accept(hook, response));
  await button(page, 'Enable…').click();
  await page.locator('dialog').getByRole('button', { name: 'Enable' }).click();
  await console.shows('what was done', '.toast', /webhook of crm is on/);
  await until('its events', () => receiver.missing(published), { holds: (missing) => missing.length === 0 });
  await console.shows('that it sends', '.webhook', /sending/);
  assert.deepEqual(console.faults, []);
  return await page.coverage.stopJSCoverage();
}

/** A webhook of a login and a sink without a server, as an administrator and as its owner use them. */
async function pressAllOfOwnWebhook(): Promise<readonly Recorded[]> {
  await using suite = await SelfServiceSuite.start();
  const nats = { servers: ['nats://127.0.0.1:1'], stream: 'CALLS', subject: 'firehose.{account}.{event}' };
  await using it = await suite.open({ groups: [{ name: 'bus', account: 'account_id_1', nats }] });
  const { id, secret } = await it.create({ url: `${URL}?key=sesame`, description: 'CRM of the branch' });
  const inner = await openConsole(browser, it.running, { side: 'inner', at: '#/groups', prepare: watchFunctions });
  const [admin, dialog] = [inner.page, inner.page.locator('dialog')];
  await unlock(inner, it.running);
  await it.append(events(['call-1', 'call-2'], 2));
  await inner.shows(
    'why the sink pauses',
    '[data-group=bus]',
    /NATS sink to 127\.0\.0\.1:1[^]*Failing since.*ECONNREFUSED/,
  );
  await admin.locator('[data-group=bus]').getByRole('button', { name: 'Last messages' }).click();
  await inner.shows('its last messages', '[data-group=bus] .attempts', /not reached: all events wait/);
  const own = admin.locator(`[data-group=${id}]`);
  const shown = await inner.shows('whose webhook it is', `[data-group=${id}]`, /account_id_1[^]*operator[^]*sending/);
  assert.ok(!shown.includes('sesame') && !shown.includes(secret));
  await own.getByRole('button', { name: 'Disable…' }).click();
  await dialog.getByRole('button', { name: 'Disable' }).click();
  await inner.shows('that it is off', `[data-group=${id}]`, /off: operator/);

  const owner = await openConsole(browser, it.running, { at: '#/webhooks', prepare: watchFunctions });
  const { page } = owner;
  await logIn(owner, { username: 'operator', password: 'operatorpassword', domain: 'north' });
  await owner.shows('who switched it off', `[data-webhook=${id}]`, /off: operator[^]*An administrator switched it off/);
  assert.equal(await button(page, /^(En|Dis)able…/).count(), 0);
  await own.getByRole('button', { name: 'Enable…' }).click();
  await dialog.getByRole('button', { name: 'Enable' }).click();
  await inner.shows('that it is on', `[data-group=${id}]`, /sending/);
  await owner.shows('that it is on', `[data-webhook=${id}]`, /CRM of the branch/);
  await button(page, 'Disable…').click();
  await page.locator('dialog').getByRole('button', { name: 'Disable' }).click();
  await owner.shows('that it is off', `[data-webhook=${id}]`, /off: owner/);
  await button(page, 'Enable…').click();
  await page.locator('dialog').getByRole('button', { name: 'Enable' }).click();
  await owner.shows('that it sends', `[data-webhook=${id}]`, /sending/);
  await button(page, 'Send a test event').click();
  await owner.shows('its outcome', '.toast', /Test event: HTTP 204 after \d+ ms/);
  await button(page, 'Last requests').click();
  await owner.shows('its last requests', '.attempts', /call-1\/0[^]*taken[^]*HTTP 204/);
  await own.getByRole('button', { name: 'Delete…' }).click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await inner.shows('what was done', '.toast', /is deleted/);
  await owner.shows('that there is none', '.empty', /This account has no webhook/);
  assert.deepEqual([...inner.faults, ...owner.faults], []);
  return [await admin.coverage.stopJSCoverage(), await page.coverage.stopJSCoverage()];
}

test(
  'C5: every button, form and field of the console is used with a real gateway; none is left out',
  LIMIT,
  async () => {
    const pages = [
      await pressAllOfLogin(),
      await pressAllOfAdministrator(),
      await pressAllOfWebhook(),
      ...(await pressAllOfOwnWebhook()),
    ];
    assert.deepEqual(unusedHandlers(pages), []);
  },
);
