import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openBrowser, type Browser } from '../../testing/browser.ts';
import { until } from '../../testing/until.ts';
import { EVENTS_PATH } from '../../protocol/paths.ts';
import { startCuttingProxy, type CuttingProxy } from '../testing/cutting-proxy.ts';
import { seeded } from '../testing/hostile.ts';
import { startGateway } from '../testing/running-gateway.ts';
import { event } from './gateway.suite.ts';

const LIMIT = { timeout: 240_000 };
/** Each source has an origin of its own, because browsers limit an origin to six connections. */
const SOURCES = 20;
const CUTS = 10;
const CALL = 3;

let browser: Browser;
/**
 * A page of another origin than the gateway's. It comes from a server: browsers let no other page reach this machine.
 */
const pages = createServer((_request, response) => response.end('<!doctype html><title>streams</title>'));
before(async () => {
  browser = await openBrowser();
  pages.listen(0, '127.0.0.1');
  await once(pages, 'listening');
});
after(async () => {
  await browser[Symbol.asyncDispose]();
  pages.close();
});

interface Seen {
  /** `n` of each event, in order. */
  readonly events: readonly number[];
  readonly frames: readonly string[];
  readonly state: number;
}

/** Opens an EventSource of the browser itself; the page keeps its events under its number. */
async function openSource(page: Page, at: number, url: string): Promise<void> {
  await page.evaluate(
    ([index, target]) => {
      const kept = globalThis as unknown as { seen: Record<number, unknown> };
      const source = new EventSource(String(target));
      const seen = { events: [] as number[], frames: [] as string[], source };
      (kept.seen ??= {})[Number(index)] = seen;
      source.onmessage = ({ data }) => seen.events.push((JSON.parse(String(data)) as { n: number }).n);
      source.addEventListener('firehose', (message) => {
        const { data } = message as unknown as { data: string };
        seen.frames.push((JSON.parse(data) as { type: string }).type);
      });
    },
    [at, url],
  );
}

const seenOf = (page: Page): Promise<Seen[]> =>
  page.evaluate(() => {
    const { seen } = globalThis as unknown as {
      seen: Record<number, { events: number[]; frames: string[]; source: { readyState: number } }>;
    };
    return Object.values(seen).map(({ events, frames, source }) => ({ events, frames, state: source.readyState }));
  });

async function openPage(): Promise<Page> {
  const { page } = await browser.page();
  await page.goto(`http://127.0.0.1:${(pages.address() as AddressInfo).port}/`);
  return page;
}

test(
  'E1: an EventSource that is cut 200 times at any byte gets every event once, and each call in order',
  LIMIT,
  async () => {
    const random = seeded(2_111);
    await using running = await startGateway({ plain: true, connections: { maxPerAccount: 1_000 } });
    const token = await running.token();
    const page = await openPage();
    await using stack = new AsyncDisposableStack();
    const proxies: CuttingProxy[] = [];
    for (let at = 0; at < SOURCES; at += 1) {
      let left = CUTS;
      // The first connection is not cut before the stream has begun: otherwise there is nothing to resume.
      let isFirst = true;
      const proxy = stack.use(
        await startCuttingProxy(running.gateway.port, () => {
          if (left === 0) return null;
          left -= 1;
          const least = isFirst ? BEGUN : 1;
          isFirst = false;
          return least + Math.floor(random() * 4_000);
        }),
      );
      proxies.push(proxy);
      await openSource(page, at, `https://127.0.0.1:${proxy.port}${EVENTS_PATH}?token=${token}`);
    }
    await until('every stream has begun', async () =>
      (await seenOf(page)).every(({ frames }) => frames.includes('hello')),
    );
    let sent = 0;
    const cuts = () => proxies.reduce((sum, proxy) => sum + proxy.cuts(), 0);
    await until(
      '200 cuts',
      async () => {
        const lines = Array.from({ length: 7 }, () => event('account_id_1', 'CHANNEL_ANSWER', sent++));
        await running.ingest(lines.join('\n'));
        return cuts();
      },
      { holds: (made) => made === SOURCES * CUTS, limitMs: 200_000 },
    );
    const last = sent;
    const everything = Array.from({ length: last }, (_, n) => n);
    const seen = await until('every event', () => seenOf(page), {
      holds: (all) => all.every(({ events }) => events.length >= last),
    });
    for (const [at, { events }] of seen.entries()) {
      assert.deepEqual(
        events.toSorted((a, b) => a - b),
        everything,
        `source ${at}`,
      );
      for (let call = 0; call < CALL; call += 1) {
        const ofCall = events.filter((n) => n % CALL === call);
        assert.deepEqual(
          ofCall,
          ofCall.toSorted((a, b) => a - b),
        );
      }
    }
  },
);

/** Most bytes of an answer's head and greeting. */
const BEGUN = 1_500;

test(
  'an EventSource that meets something that passes comes back; after what is final it is closed',
  LIMIT,
  async () => {
    await using running = await startGateway({ plain: true, connections: { maxPerAccount: 1 } });
    const token = await running.token();
    const page = await openPage();
    const url = `http://127.0.0.1:${running.gateway.port}${EVENTS_PATH}?token=${token}`;
    const held = await running.connect(`?token=${token}`);
    await openSource(page, 0, url);
    await until('the quota', async () => (await seenOf(page))[0]?.frames.includes('problem'));
    held.close();
    await until('the stream', async () => (await seenOf(page))[0]?.frames.includes('hello'));
    await openSource(page, 1, `${url}x`);
    await until('the end of the one with a wrong token', async () => (await seenOf(page))[1]?.state === 2);
    const { body } = await running.administer('/revocations', { token });
    assert.equal(body['closed'], 1);
    await until('the end of the revoked one, for good', async () => (await seenOf(page))[0]?.state === 2);
  },
);
