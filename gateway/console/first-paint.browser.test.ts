import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openBrowser, type Browser } from '../../testing/browser.ts';
import { SHIPPED_FLAGS } from '../../testing/shipped-flags.ts';
import { Started } from '../../testing/started.ts';
import { until } from '../../testing/until.ts';
import { openConsole } from './testing/opened-console.ts';
import { firstPaintOf, watchFirstPaint, watchSlowness } from './testing/page-probe.ts';

const LIMIT = { timeout: 120_000 };
const COMMAND = [
  '--import',
  fileURLToPath(new URL('../../runtime/telemetry/start.ts', import.meta.url)),
  fileURLToPath(new URL('../../cli/firehose.ts', import.meta.url)),
  'gateway',
];
const WITHIN_MS = 1_000;
/** Other work of the machine makes a start slower, and none faster: one of these must be within the limit. */
const STARTS = 3;

let browser: Browser;
let folder: string;
before(async () => {
  browser = await openBrowser();
  folder = await mkdtemp(join(tmpdir(), 'firehose-first-paint-'));
});
after(async () => {
  await rm(folder, { recursive: true });
  await browser[Symbol.asyncDispose]();
});

async function paintedAfter(gateway: { readonly port: number; readonly innerPort: number }): Promise<number> {
  const { page } = await openConsole(browser, { gateway }, { prepare: watchFirstPaint });
  return until('the first paint', () => firstPaintOf(page));
}

/** A gateway as `npm start` starts it. */
async function start(): Promise<{ readonly started: Started; readonly port: number; readonly innerPort: number }> {
  const env = {
    PATH: process.env['PATH'],
    FIREHOSE_STATE: join(folder, 'state'),
    FIREHOSE_PORT: '0',
    FIREHOSE_INNER_PORT: '0',
  };
  const child = spawn(process.execPath, [...SHIPPED_FLAGS, ...COMMAND], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const started = new Started(child);
  return { started, ...(await started.listening()) };
}

test('the first visit after a start is painted within a second, and so is every later one', LIMIT, async (t) => {
  const [first, later]: [number[], number[]] = [[], []];
  const slowness = await watchSlowness((await browser.page()).page);
  let mean = 1;
  // Other processes slow this machine down: what they do to the same work is allowed for.
  const isWithin = (all: readonly number[]) => all.some((ms) => ms < WITHIN_MS * mean);
  for (let at = 0; at < STARTS && !(isWithin(first) && isWithin(later)); at += 1) {
    const { started, ...ports } = await start();
    first.push(await paintedAfter(ports));
    later.push(await paintedAfter(ports));
    started.kill('SIGINT');
    await started.exitCode;
    ({ mean } = await slowness());
  }
  t.diagnostic(JSON.stringify({ first, later, mean }));
  assert.ok(isWithin(first), `first visits were painted after ${first.join(', ')} ms`);
  assert.ok(isWithin(later), `later visits were painted after ${later.join(', ')} ms`);
});
