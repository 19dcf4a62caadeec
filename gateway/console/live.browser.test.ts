import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, type Browser } from '../../testing/browser.ts';
import { until } from '../../testing/until.ts';
import { ADMIN, startGateway, type RunningGateway } from '../testing/running-gateway.ts';
import { assertOwnRequestsAlone, logIn, openConsole, type OpenedConsole } from './testing/opened-console.ts';

const LIMIT = { timeout: 240_000 };

let browser: Browser;
before(async () => (browser = await openBrowser()));
after(() => browser[Symbol.asyncDispose]());

const event = (fields: object) =>
  JSON.stringify({ 'Event-Name': 'CHANNEL_CREATE', 'Call-ID': 'call-1', 'Account-ID': 'account_id_1', ...fields });

async function opened(running: RunningGateway, at = ''): Promise<OpenedConsole> {
  const console = await openConsole(browser, running, { at });
  await logIn(console);
  await console.shows('a connection', '.chip', /connected/);
  return console;
}

test('C1: the page shows the events of a login, and asks nothing of anybody else', LIMIT, async () => {
  await using running = await startGateway({ environment: { FIREHOSE_SIMULATOR_RATE: '5' } });
  const console = await opened(running);
  await console.shows('events', '.events', /CHANNEL_CREATE/);
  assertOwnRequestsAlone(console);
  assert.deepEqual(console.faults, []);
  const failed = await openConsole(browser, running);
  await failed.page.getByLabel('User name').fill('admin');
  await failed.page.getByLabel('Password', { exact: true }).fill('wrong');
  await failed.page.getByLabel('Domain').fill('admin');
  await failed.page.getByRole('button', { name: 'Log in' }).click();
  await failed.shows('why not', '[role=alert]', /user name, password or domain is wrong/);
});

test('C2: values of events are text and nothing else, however hostile', LIMIT, async () => {
  await using running = await startGateway({});
  const console = await opened(running);
  const hostile = [
    '<script>globalThis.hit=1</script>',
    '<img src=x onerror="globalThis.hit=1">',
    '"><svg onload=globalThis.hit=1>',
    'javascript:globalThis.hit=1',
    '${globalThis.hit=1} {{hit=1}}',
    '\u202e\u2066reversed\u0000\ufeff',
    'x'.repeat(9_000),
  ];
  const fields = ['Caller-ID-Number', 'Callee-ID-Number', 'Hangup-Cause', 'From', 'Parking-Slot'];
  const lines = hostile.map((text, i) =>
    event({
      ...Object.fromEntries(fields.map((field) => [field, text])),
      'Call-ID': text.slice(0, 200).replaceAll('\u0000', ''),
      'Custom-Channel-Vars': { 'Account-Name': text, [text.slice(0, 100)]: text },
      n: i,
    }),
  );
  for (const line of lines) {
    const { status, body } = await running.ingest(line);
    assert.equal(status, 200, JSON.stringify(body));
  }
  await console.shows('the last one', '.bottom', /^7 events received/);
  const { page } = console;
  const elements = await page
    .locator('.events tbody *')
    .evaluateAll((all) => [...new Set(all.map(({ localName }) => localName))].join(' '));
  assert.deepEqual(
    elements.split(' ').toSorted((a, b) => (a < b ? -1 : 1)),
    ['a', 'span', 'td', 'tr'],
  );
  for (let row = 0; row < hostile.length; row += 1) {
    await page
      .locator('tr.event')
      .nth(row)
      .click({ position: { x: 200, y: 10 } });
    await page.locator('.panel .json').waitFor();
  }
  await page.getByRole('button', { name: /^Filter/ }).click();
  await page.locator('#filter').waitFor();
  await page.keyboard.press('Escape');
  await page
    .locator('tr.event')
    .nth(3)
    .click({ position: { x: 200, y: 10 } });
  await page.getByRole('link', { name: 'Show the call' }).click();
  await console.shows('the call', '.ladder', /CHANNEL_CREATE/);
  assert.equal(await page.evaluate(() => (globalThis as { hit?: number }).hit), undefined);
  assert.deepEqual(console.faults, []);
  assertOwnRequestsAlone(console);
});

test(
  'C3: the token is in no address, no storage and no log; kept for the tab it outlives a reload',
  LIMIT,
  async () => {
    await using running = await startGateway({ environment: { FIREHOSE_SIMULATOR_RATE: '5' } });
    const console = await opened(running);
    const { page } = console;
    const token = await running.token();
    const [head = ''] = token.split('.');
    const holds = (text: string) => text.includes(head);
    const stored = () =>
      page.evaluate<string>('JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])');
    assert.equal(holds(await stored()), false);
    assert.deepEqual(console.requested.filter(holds), []);
    assert.equal(holds(page.url()) || holds(await page.content()), false);
    await page.reload();
    await page.getByLabel('User name').waitFor();
    await logIn(console, ADMIN, true);
    await page.reload();
    await console.shows('events again', '.events', /CHANNEL_/);
    assert.equal(holds(await stored()), true);
    assert.deepEqual(console.requested.filter(holds), []);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('User name').waitFor();
    assert.equal(holds(await stored()), false);
    assert.deepEqual(console.faults, []);
  },
);

test(
  'C5: the space bar, a scroll and the button pause it; a bar says how many are unseen and leads back',
  LIMIT,
  async () => {
    await using running = await startGateway({ environment: { FIREHOSE_SIMULATOR_RATE: '10' } });
    const console = await opened(running);
    const { page } = console;
    await until('a page full of events', () => page.locator('tr.event').count(), { holds: (rows) => rows > 25 });
    const first = () => page.locator('tr.event').first().textContent();
    await page.keyboard.press('Space');
    await console.shows('the bar', '.paused-bar', /Paused, [\d,]+ unseen: resume/);
    const held = await first();
    await console.shows('unseen events', '.paused-bar', /Paused, [1-9][\d,]* unseen/);
    assert.equal(await first(), held);
    await page.locator('.paused-bar').click();
    await until('newer events', first, { holds: (text) => text !== held });
    await page.locator('.scroller').hover();
    await page.mouse.wheel(0, 400);
    await console.shows('the bar of a scroll', '.paused-bar', /unseen/);
    await page.getByRole('button', { name: /^Resume/ }).click();
    await until('the top again', () => page.locator('.scroller').evaluate((element) => element.scrollTop), {
      holds: (top) => top === 0,
    });
    await page.getByRole('button', { name: /^Pause/ }).click();
    await console.shows('the bar of the button', '.paused-bar', /unseen/);
  },
);

test('a tall screen is full of rows', LIMIT, async () => {
  await using running = await startGateway({});
  const console = await openConsole(browser, running, { viewport: { width: 1_280, height: 2_400 } });
  await logIn(console);
  await console.shows('a connection', '.chip', /connected/);
  await running.ingest(Array.from({ length: 100 }, (_, n) => event({ n })).join('\n'));
  await until('its rows', () => console.page.locator('tr.event').count(), { holds: (rows) => rows > 70 });
});

test('C5: a filter is built, holds from a boundary on, is in the address, and is cleared', LIMIT, async () => {
  await using running = await startGateway({ environment: { FIREHOSE_SIMULATOR_RATE: '10' } });
  const console = await opened(running);
  const { page } = console;
  await console.shows('an account to choose', '.events', /north-sales/);
  await page.keyboard.press('/');
  await page.getByLabel('CHANNEL_ANSWER', { exact: true }).check();
  await page.getByLabel('north-sales').check();
  await page.getByRole('button', { name: 'Apply' }).click();
  await console.shows('the boundary', '.events', /From here on: CHANNEL_ANSWER of account_id_3/);
  await console.shows('its cursor', '.boundary', /since cursor \S{8}/);
  assert.match(page.url(), /#\/live\?accounts=account_id_3&events=CHANNEL_ANSWER$/);
  const names = async () => {
    const rows = await page.locator('.events tbody tr:not(.space)').allTextContents();
    return rows.slice(
      0,
      rows.findIndex((row) => row.includes('From here on')),
    );
  };
  const seen = await until('answers', names, { holds: (rows) => rows.length > 1 });
  assert.deepEqual(
    seen.filter((row) => !/CHANNEL_ANSWER\s+north-sales/.test(row)),
    [],
  );
  await page.getByRole('button', { name: 'Clear' }).click();
  await console.shows('everything again', '.in-force', /everything that this login may see/);

  // The address brings the filter; what is not granted is said.
  const other = await opened(running, '#/live?events=DTMF');
  await other.shows('its filter', '.in-force', /Shows DTMF/);
  await page.getByRole('button', { name: /^Filter/ }).click();
  await page.getByLabel('Another account').fill('no_such_account');
  await page.keyboard.press('Enter');
  await console.shows('the refusal', '.refusal', /foreign_account/);
  assert.deepEqual(console.faults, []);
});

test('C5: an event is opened with its facts, and copied as JSON, id and program', LIMIT, async () => {
  await using running = await startGateway({});
  const console = await opened(running);
  const { page } = console;
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: console.origin });
  await running.ingest(event({ n: 7 }));
  await page.locator('tr.event').click({ position: { x: 200, y: 10 } });
  await console.shows('its facts', '.facts', /account_id_1/);
  // The toast of the one before may still be there.
  const copied = async (button: string, what = button) => {
    await page.getByRole('button', { name: button, exact: true }).click();
    await console.shows('what was done', '.toast', new RegExp(`${what} copied`));
    return page.evaluate<string>('navigator.clipboard.readText()');
  };
  assert.equal((JSON.parse(await copied('Copy JSON', 'JSON')) as { n: number }).n, 7);
  assert.match(await copied('Copy id', 'Id'), /^\S{8,}$/);
  assert.match(await copied('curl'), /curl -N "https:\/\/localhost:\d+\/ws\/v1\/firehose\/events"/);
  assert.match(await copied('websocat'), /websocat -n "wss:/);
  const program = await copied('TypeScript');
  assert.match(program, /firehose-client/);
  assert.doesNotMatch(program, /adminpassword|eyJ/);
  await page.getByRole('button', { name: 'Theme: system' }).click();
  await page.getByRole('button', { name: 'Theme: light' }).click();
  await page.getByRole('button', { name: 'Theme: dark' }).click();
  await page.getByRole('button', { name: /^Close/ }).click();
  await page.locator('.panel').waitFor({ state: 'detached' });
});
