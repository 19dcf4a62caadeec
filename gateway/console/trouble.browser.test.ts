import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, type Browser } from '../../testing/browser.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { startTcpProxy } from '../../testing/tcp-proxy.ts';
import { until } from '../../testing/until.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { commandClient } from '../../runtime/redis/client.ts';
import { ADMIN, startGateway } from '../testing/running-gateway.ts';
import { logIn, openConsole } from './testing/opened-console.ts';

const LIMIT = { timeout: 180_000 };

let browser: Browser;
before(async () => (browser = await openBrowser()));
after(() => browser[Symbol.asyncDispose]());

const event = (n: number) =>
  JSON.stringify({
    'Event-Name': 'DTMF',
    'Call-ID': `call-${n}`,
    'Account-ID': 'account_id_1',
    'DTMF-Digit': String(n),
  });

test('C7: with the gateway away the page says so, and comes back with every event', LIMIT, async () => {
  await using running = await startGateway({ calls: { enabled: true } });
  await using proxy = await startTcpProxy(running.gateway.port);
  const console = await openConsole(browser, running, { port: proxy.port });
  await logIn(console);
  await console.shows('a connection', '.chip', /connected/);
  await running.ingest(event(1));
  await console.shows('the first event', '.events', /call-1/);
  proxy.blackHole(true);
  proxy.cutAll();
  await console.shows('the trouble', '.chip', /does not answer: trying again/);
  for (const n of [2, 3]) await running.ingest(event(n));
  await console.page.getByRole('link', { name: /Live calls/ }).click();
  await console.shows('the trouble of another page', '[role=alert]', /does not answer.*asks again by itself/);
  proxy.blackHole(false);
  proxy.cutAll();
  await console.shows('calls again', '.scroll', /No call is live now/);
  await console.page.getByRole('link', { name: /Live events/ }).click();
  await console.shows('every event', '.events', /call-3[^]*call-2[^]*call-1/);
  await console.shows('what happened', '.events', /Connected again after/);
  assert.deepEqual(console.faults, []);
});

test('a gap is a red line with its numbers', LIMIT, async () => {
  await using redis = await startRedis();
  await using running = await startGateway({ redisUrl: redis.url });
  await using proxy = await startTcpProxy(running.gateway.port);
  const client = commandClient(redis.url, { logger: silentLogger, name: 'test' });
  const console = await openConsole(browser, running, { port: proxy.port });
  await logIn(console);
  await until('an accepted event', async () => (await running.ingest(event(1))).status === 200);
  await console.shows('the first event', '.events', /call-1/);
  proxy.blackHole(true);
  proxy.cutAll();
  await client.call('flushall');
  await until('an event after the loss', async () => (await running.ingest(event(2))).status === 200);
  proxy.blackHole(false);
  proxy.cutAll();
  await console.shows('the gap', '.note.bad', /Gap \(\w+\): (an unknown number of entries|\d+ entr)/);
  client.disconnect();
});

test('a drained replica moves the page to the next one; a revoked login ends it for good', LIMIT, async () => {
  await using redis = await startRedis();
  await using running = await startGateway({ redisUrl: redis.url, connections: { drainTimeout: '1s' } });
  await using other = await running.another();
  let { port } = running.gateway;
  await using proxy = await startTcpProxy(() => port);
  const console = await openConsole(browser, running, { port: proxy.port });
  await logIn(console);
  await console.shows('a connection', '.chip', /connected/);
  ({ port } = other.gateway);
  await running.gateway.drain('SIGTERM', new AbortController().signal);
  await console.shows('what happened', '.note', /Connected again/);
  await until('an accepted event', async () => (await other.ingest(event(1))).status === 200);
  await console.shows('an event of the other replica', '.events', /call-1/);
  await other.administer('/revocations', { user: { domain: 'admin', username: 'admin' } });
  await console.shows('why it ended', '[role=alert]', /revoked or disabled/);
  assert.equal(await console.page.getByLabel('User name').count(), 1);
});

test('a login that ends asks for the password alone, and the stream goes on', LIMIT, async () => {
  // A minute before its end the page asks: after a renewal it does not ask again at once.
  const auth = { token: { ttl: '75s' } };
  await using running = await startGateway({ auth, environment: { FIREHOSE_SIMULATOR_RATE: '5' } });
  const console = await openConsole(browser, running);
  await logIn(console);
  const { page } = console;
  await page.locator('dialog').waitFor({ timeout: 90_000 });
  await page.getByLabel('Password').fill('wrong');
  await page.keyboard.press('Enter');
  await console.shows('why not', 'dialog', /wrong/);
  await page.getByLabel('Password').fill(ADMIN.password);
  await page.getByRole('button', { name: 'Renew' }).click();
  await console.shows('what happened', '.note', /renewed|Connected again/);
  await page.locator('dialog').waitFor({ state: 'detached' });
  await console.shows('the connection', '.chip', /connected/);
});
