/**
 * What a large directory costs a gateway, from a directory server in a process of its own: time to load, memory, the longest
 * hold of the event loop, and the time from a change at the server to its being in force, told as changes and as a whole.
 *   node gateway/directory/http/http-directory.bench.ts --accounts 500000 --users 500000 --changes 100
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { silentLogger } from '../../../runtime/logging/logger.ts';
import type { ServedAccount } from '../server/entries.ts';
import { createServerMetrics } from '../server/metrics.ts';
import { serveDirectory } from '../server/serve-directory.ts';
import { openHttpDirectory } from './http-directory.ts';

const { values } = parseArgs({
  options: {
    serve: { type: 'boolean', default: false },
    accounts: { type: 'string', default: '500000' },
    users: { type: 'string', default: '500000' },
    changes: { type: 'string', default: '100' },
  },
});
const [ACCOUNTS, USERS, CHANGES] = [Number(values.accounts), Number(values.users), Number(values.changes)];
const HASH = '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b6dWRWJTmaaJObGQ6l5Tm7p9aA';
const TOKEN = 'bench';
const MEBIBYTE = 1024 * 1024;

const idOf = (at: number) => at.toString(16).padStart(32, '0');
const accountOf = (at: number, name = `Account ${at}`): ServedAccount => ({
  id: idOf(at),
  name,
  realm: `a${at}.sip.example.com`,
  parent: at === 0 ? null : idOf(Math.floor((at - 1) / 10)),
  enabled: true,
});

async function serve(): Promise<void> {
  const waiting: (() => void)[] = [];
  const server = await serveDirectory({
    place: {
      host: '127.0.0.1',
      port: 0,
      inner: { host: '127.0.0.1', port: 0 },
      tls: null,
      token: TOKEN,
      pushUrls: [],
    },
    async follow(feed, signal) {
      const accounts = Array.from({ length: ACCOUNTS }, (_, at) => accountOf(at));
      const users = Array.from({ length: USERS }, (_, at) => ({
        username: `user${at}`,
        account: idOf(at % ACCOUNTS),
        passwordHash: HASH,
        enabled: true,
      }));
      const began = performance.now();
      await feed.replace(async () => ({ accounts, users }));
      process.send?.({ kind: 'served', port: server.port, ms: performance.now() - began });
      for (let count = 0; !signal.aborted; count += 1) {
        await new Promise<void>((resolve) => waiting.push(resolve));
        const at = (count * 7_919) % ACCOUNTS;
        await feed.change(async () => new Map([[idOf(at), accountOf(at, `Changed ${count}`)]]));
        process.send?.({ kind: 'changed' });
      }
    },
    metrics: createServerMetrics(),
    logger: silentLogger,
  });
  process.on('message', (message) => {
    if (message === 'memory') process.send?.({ kind: 'memory', rss: process.memoryUsage.rss() });
    else waiting.shift()?.();
  });
}

const quantile = (times: readonly number[], part: number) =>
  Math.round((times.toSorted((one, other) => one - other)[Math.floor(times.length * part)] ?? 0) * 10) / 10;

async function measure(): Promise<void> {
  const child = fork(new URL(import.meta.url), [
    '--serve',
    ...['accounts', 'users'].flatMap((name) => [`--${name}`, values[name as 'accounts']]),
  ]);
  const folder = await mkdtemp(join(tmpdir(), 'firehose-directory-bench-'));
  const tokenFile = join(folder, 'token');
  await writeFile(tokenFile, TOKEN);
  const [served] = (await once(child, 'message')) as [{ port: number; ms: number }];
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const hold = () => Math.round(delay.max / 1e5) / 10;
  delay.enable();
  const before = process.memoryUsage.rss();
  const began = performance.now();
  await using directory = await openHttpDirectory({
    config: {
      url: new URL(`http://127.0.0.1:${served.port}/`),
      intervalMs: 3_600_000,
      maxShrinkPercent: 50,
      tokenFile,
      caFile: null,
      policy: null,
    },
    store: null,
    pushes: null,
    logger: silentLogger,
    signal: new AbortController().signal,
    limitMs: 60_000,
  });
  const load = { loadMs: Math.round(performance.now() - began), longestHoldMs: hold() };
  const memory = Math.round((process.memoryUsage.rss() - before) / MEBIBYTE);
  delay.reset();
  const times: number[] = [];
  for (let at = 0; at < CHANGES; at += 1) {
    const start = performance.now();
    child.send('change');
    await once(child, 'message');
    await directory.refresh();
    times.push(performance.now() - start);
  }
  const changes = { p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), longestHoldMs: hold() };
  child.send('memory');
  const [{ rss }] = (await once(child, 'message')) as [{ rss: number }];
  child.kill();
  await rm(folder, { recursive: true });
  const server = { takenOverMs: Math.round(served.ms), memoryMiB: Math.round(rss / MEBIBYTE) };
  const { accounts, users } = { accounts: directory.current.accounts.size, users: USERS };
  process.stdout.write(`${JSON.stringify({ accounts, users, ...load, memoryMiB: memory, changes, server })}\n`);
}

await (values.serve ? serve() : measure());
