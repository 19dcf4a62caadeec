import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { silentLogger } from '../../../runtime/logging/logger.ts';
import { recordedLogger } from '../../../testing/recorded-logger.ts';
import { until } from '../../../testing/until.ts';
import { startDirectoryServer, type DirectoryServer } from '../../testing/directory-server.ts';
import type { HttpDirectoryConfig } from './configuration.ts';
import { openHttpDirectory, type HttpDirectoryOptions, type RefreshOutcome } from './http-directory.ts';
import { MAX_ENTRIES, NDJSON_TYPE } from './snapshot.ts';

const LIMIT = { timeout: 60_000 };
const HASH = '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b6dWRWJTmaaJObGQ6l5Tm7p9aA';

/** One root with children `a1`, `a2`, ... */
const accounts = (count: number) =>
  Array.from({ length: count }, (_, at) => ({
    id: `a${at}`,
    name: `Name ${at}`,
    realm: `a${at}.example.com`,
    ...(at > 0 && { parent: 'a0' }),
  }));
const document = (count: number) =>
  JSON.stringify({ accounts: accounts(count), users: [{ username: 'eva', account: 'a0', passwordHash: HASH }] });

/** A directory of this server that polls all the time. */
async function follow(
  server: DirectoryServer,
  more: Partial<Omit<HttpDirectoryOptions, 'config'>> & { config?: Partial<HttpDirectoryConfig> } = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-directory-'));
  const tokenFile = join(folder, 'token');
  await writeFile(tokenFile, 'canary-token\n');
  const outcomes: RefreshOutcome[] = [];
  const config: HttpDirectoryConfig = {
    url: new URL(server.url),
    intervalMs: 20,
    maxShrinkPercent: 50,
    tokenFile,
    caFile: server.caFile,
    policy: null,
    ...more.config,
  };
  const directory = await openHttpDirectory({
    store: null,
    pushes: null,
    logger: silentLogger,
    signal: new AbortController().signal,
    onRefresh: (outcome) => outcomes.push(outcome),
    ...more,
    config,
  });
  const seen = (wanted: RefreshOutcome) =>
    until(`a refresh that is ${wanted}`, () => outcomes.splice(0).includes(wanted));
  return {
    directory,
    seen,
    tokenFile,
    async [Symbol.asyncDispose]() {
      await directory[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

test('a snapshot comes once, and 304 afterwards; a change is told and in force', LIMIT, async () => {
  await using server = await startDirectoryServer(document(3));
  await using followed = await follow(server);
  const { directory, seen } = followed;
  assert.equal(directory.current.accounts.get('a2')?.parent?.id, 'a0');
  assert.equal(
    directory.current.userOf(directory.current.accountByDomain('A0.example.com') as never, 'EVA')?.enabled,
    true,
  );
  await seen('unchanged');
  assert.deepEqual(new Set(server.asked.map(({ status }) => status)), new Set([200, 304]));
  assert.deepEqual(new Set(server.asked.map(({ authorization }) => authorization)), new Set(['Bearer canary-token']));
  const heard: number[] = [];
  directory.onChange(({ accounts: now }) => heard.push(now.size));
  server.serve(document(4));
  await seen('changed');
  assert.deepEqual([heard, directory.current.accounts.size, directory.status.fault], [[4], 4, null]);
});

test('lines of JSON are read as the document is, and equal bytes without an ETag change nothing', LIMIT, async () => {
  const lines = [...accounts(2500), { username: 'eva', account: 'a0', passwordHash: HASH }].map((one) =>
    JSON.stringify(one),
  );
  await using server = await startDirectoryServer('');
  server.serve(`${lines.join('\n')}\n`, NDJSON_TYPE);
  await using followed = await follow(server);
  const { current } = followed.directory;
  assert.deepEqual([current.accounts.size, current.hashCosts], [2500, ['m=19456,t=2,p=1']]);
  server.misbehave((_, response) => {
    response.writeHead(200, { 'content-type': `${NDJSON_TYPE}; charset=utf-8` }).end(`${lines.join('\n')}\n`);
  });
  await followed.seen('unchanged');
  assert.equal(followed.directory.current, current);
});

const json = { 'content-type': 'application/json' };
const faults: readonly [what: string, code: RefreshOutcome, (response: ServerResponse) => void][] = [
  ['hangs', 'directory_timeout', () => undefined],
  ['trickles', 'directory_timeout', (response) => response.writeHead(200, json).write('{')],
  ['fails', 'directory_status', (response) => response.writeHead(500).end()],
  ['does not know the token', 'directory_status', (response) => response.writeHead(401).end()],
  ['says 304 to a question without a condition', 'directory_format', (response) => response.writeHead(200).end('x')],
  [
    'serves a page',
    'directory_format',
    (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('x'),
  ],
  [
    'redirects',
    'directory_redirected',
    (response) => response.writeHead(302, { location: 'https://127.0.0.1/' }).end(),
  ],
  ['serves nonsense', 'directory_invalid', (response) => response.writeHead(200, json).end('nonsense')],
  ['serves no account', 'directory_invalid', (response) => response.writeHead(200, json).end('{"accounts":[]}')],
  [
    'serves two accounts with one realm',
    'directory_invalid',
    (response) =>
      response
        .writeHead(200, json)
        .end(JSON.stringify({ accounts: accounts(3).map((one) => ({ ...one, realm: 'same' })) })),
  ],
  [
    'cuts the answer off',
    'directory_truncated',
    (response) => {
      response.writeHead(200, { ...json, 'content-length': '1000' }).write('{');
      setTimeout(() => response.destroy(), 5);
    },
  ],
  [
    'cuts gzip off',
    'directory_truncated',
    (response) =>
      response.writeHead(200, { ...json, 'content-encoding': 'gzip' }).end(gzipSync(document(9)).subarray(0, 40)),
  ],
  [
    'serves more accounts than are read',
    'directory_too_large',
    (response) => {
      response.writeHead(200, { 'content-type': NDJSON_TYPE });
      response.end('{"id":"a","name":"A","realm":"r"}\n'.repeat(MAX_ENTRIES + 1));
    },
  ],
  [
    'serves a bomb of zeros',
    'directory_too_large',
    (response) => {
      response.writeHead(200, { ...json, 'content-encoding': 'gzip' });
      response.end(Buffer.concat(Array.from({ length: 9 }, () => ZEROS)));
    },
  ],
];
/** 32 MiB of blanks; members of gzip follow each other. */
const ZEROS = gzipSync(Buffer.alloc(32 * 1024 * 1024, ' '));

for (const [what, code, answer] of faults) {
  test(
    `S13: a server that ${what} leaves the last good directory in force, and is told as ${code}`,
    LIMIT,
    async () => {
      await using server = await startDirectoryServer(document(3));
      // Long enough for the first poll on a busy machine.
      const limitMs = code === 'directory_timeout' ? 3_000 : 20_000;
      const { lines, logger } = recordedLogger();
      await using followed = await follow(server, { limitMs, logger });
      const { directory, seen } = followed;
      const { confirmedAt } = directory.status;
      server.misbehave((_, response) => answer(response));
      await seen(code);
      assert.equal(directory.current.accounts.size, 3);
      assert.equal(directory.status.fault, code);
      assert.equal(directory.status.faults > 0, code === 'directory_invalid');
      assert.ok(directory.status.confirmedAt !== null && confirmedAt !== null);
      server.misbehave(null);
      server.serve(document(5));
      await seen('changed');
      assert.deepEqual(
        [directory.current.accounts.size, directory.status.faults, directory.status.fault],
        [5, 0, null],
      );
      assert.doesNotMatch(lines.join(''), /canary|argon2id/);
      assert.match(lines.join(''), new RegExp(code));
    },
  );
}

test('S13: a server that is away, or has the certificate of another authority, is told so', LIMIT, async () => {
  await using server = await startDirectoryServer(document(3));
  await using other = await startDirectoryServer(document(3));
  await using followed = await follow(server);
  await server.close();
  await followed.seen('directory_unreachable');
  assert.equal(followed.directory.current.accounts.size, 3);
  await server.open();
  await followed.seen('unchanged');
  await assert.rejects(follow(server, { config: { caFile: other.caFile } }), { code: 'directory_certificate' });
  await assert.rejects(follow(server, { config: { caFile: '/nowhere/ca.crt' } }), { code: 'directory_unreadable' });
  const byAddress = new URL(server.url.replace('localhost', '127.0.0.1'));
  await assert.rejects(follow(server, { config: { url: byAddress } }), { code: 'directory_certificate' });
});

test('an address that the platform refuses is not connected to', LIMIT, async () => {
  await using server = await startDirectoryServer(document(3));
  const config = { policy: { allowLoopback: false } };
  await assert.rejects(follow(server, { config }), { code: 'directory_address_refused' });
  assert.equal(server.asked.length, 0);
  await using followed = await follow(server, { config: { policy: { allowLoopback: true } } });
  assert.equal(followed.directory.current.accounts.size, 3);
});

test(
  'a directory with less than half of the accounts is taken over when three polls have served it',
  LIMIT,
  async () => {
    await using server = await startDirectoryServer(document(10));
    await using followed = await follow(server);
    const { directory, seen } = followed;
    server.serve(document(4));
    await seen('directory_shrunk');
    await seen('changed');
    assert.equal(directory.current.accounts.size, 4);
    server.serve(document(2));
    await seen('changed');
  },
);

test('pushes do not make a directory that shrank any truer', LIMIT, async () => {
  await using server = await startDirectoryServer(document(10));
  await using followed = await follow(server, { config: { intervalMs: 60_000 } });
  const { directory } = followed;
  server.serve(document(4));
  for (let push = 0; push < 5; push += 1) await directory.refresh();
  assert.deepEqual([directory.current.accounts.size, directory.status.fault], [10, 'directory_shrunk']);
});

test('a larger shrink is taken over at once where the configuration allows it', LIMIT, async () => {
  await using server = await startDirectoryServer(document(10));
  await using followed = await follow(server, { config: { maxShrinkPercent: 100, intervalMs: 60_000 } });
  server.serve(document(1));
  await followed.directory.refresh();
  assert.equal(followed.directory.current.accounts.size, 1);
});

test('a renewed token is used from the next question on', LIMIT, async () => {
  await using server = await startDirectoryServer(document(3));
  await using followed = await follow(server, { config: { intervalMs: 60_000 } });
  await writeFile(followed.tokenFile, 'another');
  await followed.directory.refresh();
  assert.equal(server.asked.at(-1)?.authorization, 'Bearer another');
});

const statuses = (server: DirectoryServer) => server.asked.map(({ status }) => status);
const line = (one: object) => `${JSON.stringify(one)}\n`;

test('changes are asked for and taken over in place of the whole', LIMIT, async () => {
  await using server = await startDirectoryServer(document(3));
  await using followed = await follow(server, { config: { intervalMs: 60_000 } });
  const { directory } = followed;
  const { current: before } = directory;
  const heard: number[] = [];
  directory.onChange(({ accounts: now }) => heard.push(now.size));
  server.change(document(4), line(accounts(4).at(-1) ?? {}));
  await directory.refresh();
  assert.deepEqual([heard, directory.current.accounts.size, statuses(server)], [[4], 4, [200, 226]]);
  assert.notEqual(directory.current, before);
  assert.equal(directory.current.accounts.get('a3')?.parent?.id, 'a0');
  await directory.refresh();
  assert.equal(statuses(server).at(-1), 304);
});

const odd: readonly [what: string, lines: string][] = [
  ['an account without its parent', line({ id: 'x', name: 'X', realm: 'x', parent: 'nowhere' })],
  ['the realm of another', line({ id: 'x', name: 'X', realm: 'a1.example.com', parent: 'a0' })],
  ['a cycle', line({ id: 'a0', name: 'A', realm: 'a0.example.com', parent: 'a1' })],
  ['the end of an account that others are below', line({ removed: { id: 'a0' } })],
  ['nonsense', 'nonsense'],
  ['more than is taken', line({ removed: { id: 'x' } }).repeat(1_001)],
];
for (const [what, lines] of odd) {
  test(`S13: changes that tell ${what} are not taken: the whole is asked for and judged`, LIMIT, async () => {
    await using server = await startDirectoryServer(document(3));
    await using followed = await follow(server, { config: { intervalMs: 60_000 } });
    server.change(document(5), lines);
    await followed.directory.refresh();
    assert.deepEqual([statuses(server), followed.directory.current.accounts.size], [[200, 226, 200], 5]);
  });
}

test(
  'S13: changes of another content, or of an unknown kind, leave the last good directory in force',
  LIMIT,
  async () => {
    await using server = await startDirectoryServer(document(3));
    await using followed = await follow(server, { config: { intervalMs: 60_000 } });
    const { directory } = followed;
    for (const headers of [
      { etag: '"x"', im: 'vcdiff' },
      { etag: '"x"', im: 'firehose-changes', 'delta-base': '"other"' },
      { im: 'firehose-changes' },
    ]) {
      server.misbehave((_, response) => void response.writeHead(226, headers).end(line({ removed: { id: 'a2' } })));
      await directory.refresh();
      assert.deepEqual([directory.status.fault, directory.current.accounts.size], ['directory_format', 3]);
    }
  },
);

test('changes that take more than half of the accounts away are guarded as a whole directory is', LIMIT, async () => {
  await using server = await startDirectoryServer(document(10));
  await using followed = await follow(server, { config: { intervalMs: 60_000 } });
  const { directory } = followed;
  server.change(document(4), [4, 5, 6, 7, 8, 9].map((at) => line({ removed: { id: `a${at}` } })).join(''));
  await directory.refresh();
  assert.deepEqual([directory.current.accounts.size, directory.status.fault], [10, 'directory_shrunk']);
});
