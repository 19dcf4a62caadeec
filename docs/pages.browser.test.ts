import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, before, test } from 'node:test';
import { legEvent } from '../gateway/contract/calls.suite.ts';
import { startGateway } from '../gateway/testing/running-gateway.ts';
import { silentLogger } from '../runtime/logging/logger.ts';
import { commandClient } from '../runtime/redis/client.ts';
import { openBrowser, type Browser } from '../testing/browser.ts';
import { startRedis } from '../testing/redis-server.ts';
import { startTcpProxy } from '../testing/tcp-proxy.ts';
import { until } from '../testing/until.ts';
import { serve } from './testing/served.ts';
import { snippet } from './testing/snippets.ts';

const LIMIT = { timeout: 90_000 };
const ACCOUNT = 'account_id_1';

let browser: Browser;
let folder: string;
before(async () => {
  browser = await openBrowser();
  folder = await mkdtemp(join(tmpdir(), 'firehose-wallboard-'));
  for (const name of ['browser', 'wallboard', 'sse-page']) await writeFile(join(folder, `${name}.html`), snippet(name));
});
after(async () => {
  await browser[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** A page of the documentation, as a person opens it from a file. */
async function open(name: string, host: string) {
  const { page, errors } = await browser.page();
  await page.goto(`${pathToFileURL(join(folder, `${name}.html`)).href}?host=${host}`);
  return { page, errors };
}

/** The wallboard, and its content. */
async function openBoard(host: string) {
  const { page, errors } = await open('wallboard', host);
  const shown = async () => (await page.textContent('#board'))?.split('\n').join(', ');
  return {
    errors,
    shown,
    shows: (expected: string) =>
      until(`a board of: ${expected}`, shown, { holds: (seen) => seen === expected, limitMs: 30_000 }),
  };
}

test('the page streams, and prints why it was refused', LIMIT, async () => {
  await using running = await startGateway({ environment: { FIREHOSE_SIMULATOR_RATE: '20' } });
  const { page, errors } = await open('browser', `localhost:${running.gateway.port}`);
  await until('events', async () => (await page.textContent('#events'))?.includes('CHANNEL_CREATE'));
  assert.deepEqual(errors, []);
  await writeFile(join(folder, 'refused.html'), snippet('browser').replace('adminpassword', 'wrong'));
  const refused = await open('refused', `localhost:${running.gateway.port}`);
  await until('the reason', async () => (await refused.page.textContent('#events'))?.includes('login: '));
});

test('the page of Server-Sent Events streams, and comes back by itself', LIMIT, async () => {
  await using running = await startGateway({ environment: { FIREHOSE_SIMULATOR_RATE: '20' } });
  await using proxy = await startTcpProxy(running.gateway.port);
  const { page, errors } = await open('sse-page', `localhost:${proxy.port}`);
  const shown = async () => (await page.textContent('#events')) ?? '';
  await until('events', async () => (await shown()).includes('CHANNEL_CREATE'));
  proxy.cutAll();
  await until('events after a cut', async () => /comes back\n[^]*hello\n[^]*CHANNEL_CREATE/.test(await shown()));
  assert.deepEqual(errors, []);
});

test('the wallboard has at most 40 lines, and shows the calls of the gateway that the page starts', LIMIT, async () => {
  const script = /<script type="module">\n(.*)<\/script>/s.exec(snippet('wallboard'))?.[1] ?? '';
  const lines = script.split('\n').filter((line) => line.trim() !== '');
  assert.ok(lines.length <= 40, `${lines.length} lines`);
  const enabled = snippet('calls-resource').trim().split('\n').at(-1)?.trim();
  const example = await readFile(new URL('../gateway/quickstart/subscription.yaml', import.meta.url), 'utf8');
  assert.ok(example.includes(`calls: { ${enabled} }`));
  const rate = 'export FIREHOSE_SIMULATOR_RATE=50; ';
  await using served = await serve('calls-start', (command) => rate + command);
  const board = await openBoard(served.client['FIREHOSE'] ?? '');
  await until('answered calls', async () => /[1-9]\d* answered/.test((await board.shown()) ?? ''));
  assert.deepEqual(board.errors, []);
});

test('the wallboard heals by itself: after a cut, after a lost log, and after both', LIMIT, async () => {
  await using redis = await startRedis();
  await using running = await startGateway({ redisUrl: redis.url, calls: { enabled: true } });
  await using proxy = await startTcpProxy(running.gateway.port);
  using client = command(redis.url);
  const say = async (...events: string[]) =>
    until('an accepted event', async () => (await running.ingest(events.join('\n'))).status === 200);
  const leg = (callId: string, name: string) => legEvent(ACCOUNT, callId, name);
  await say(leg('a', 'CHANNEL_CREATE'), leg('b', 'CHANNEL_CREATE'), leg('b', 'CHANNEL_ANSWER'));
  const board = await openBoard(`localhost:${proxy.port}`);
  await board.shows('1 answered, 1 ringing');
  await say(leg('a', 'CHANNEL_ANSWER'), leg('c', 'CHANNEL_CREATE'));
  await board.shows('2 answered, 1 ringing');

  // It resumes, and misses no event in between.
  proxy.cutAll();
  await say(leg('a', 'CHANNEL_DESTROY'), leg('b', 'CHANNEL_HOLD'), leg('d', 'CHANNEL_CREATE'));
  await board.shows('1 held, 2 ringing');

  // The log is lost under an open socket.
  await client.redis.call('flushall');
  await say(leg('e', 'CHANNEL_CREATE'));
  await board.shows('1 ringing');

  // The log is lost while it is away: its cursor is unknown afterwards.
  proxy.blackHole(true);
  proxy.cutAll();
  await client.redis.call('flushall');
  await say(leg('f', 'CHANNEL_CREATE'), leg('f', 'CHANNEL_ANSWER'), leg('g', 'CHANNEL_CREATE'));
  proxy.blackHole(false);
  proxy.cutAll();
  await board.shows('1 answered, 1 ringing');
  await say(leg('f', 'CHANNEL_DESTROY'), leg('g', 'CHANNEL_DESTROY'));
  await board.shows('');
  assert.deepEqual(board.errors, []);
});

function command(url: string) {
  const redis = commandClient(url, { logger: silentLogger, name: 'test' });
  return { redis, [Symbol.dispose]: () => redis.disconnect() };
}
