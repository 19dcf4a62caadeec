import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCrossbar } from './crossbar.ts';
import { say, startKazooPlatform, type KazooAccount } from './testing/kazoo-platform.ts';
import { KazooTree } from './tree.ts';

const LIMIT = { timeout: 60_000 };
const { signal } = new AbortController();

/** A root with eight accounts below it: three pages. */
const ACCOUNTS: Record<string, KazooAccount> = {
  root: { name: 'Root', realm: 'root.example.com', parent: null },
  ...Object.fromEntries(
    ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((id) => [
      id,
      { name: `Name ${id}`, realm: `${id}.example.com`, parent: id === 'h' ? 'g' : 'root' },
    ]),
  ),
};

async function open(accounts: Record<string, KazooAccount> = ACCOUNTS, key = 'canary-api-key') {
  await using stack = new AsyncDisposableStack();
  const platform = stack.use(await startKazooPlatform(structuredClone(accounts)));
  const folder = await mkdtemp(join(tmpdir(), 'firehose-crossbar-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const apiKeyFile = join(folder, 'key');
  await writeFile(apiKeyFile, `${key}\n`);
  const api = openCrossbar({ url: new URL(platform.url), apiKeyFile, caFile: platform.caFile });
  const owned = stack.move();
  return {
    platform,
    api,
    apiKeyFile,
    tree: new KazooTree(api, null),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

test('the tree comes page by page, with parents from the rows and enabled from the documents', LIMIT, async () => {
  await using kazoo = await open({ ...ACCOUNTS, c: { ...ACCOUNTS['c'], enabled: false } as KazooAccount });
  const accounts = await kazoo.tree.walk(false, signal);
  assert.deepEqual(accounts.map(({ id }) => id).toSorted(), Object.keys(ACCOUNTS).toSorted());
  const of = (id: string) => accounts.find((one) => one.id === id);
  assert.deepEqual(of('h'), { id: 'h', name: 'Name h', realm: 'h.example.com', parent: 'g', enabled: true });
  assert.deepEqual([of('root')?.parent, of('c')?.enabled, of('d')?.enabled], [null, false, true]);
  assert.equal(kazoo.platform.logins, 1);
});

test('a token that has ended is replaced once, however many questions wait for it', LIMIT, async () => {
  await using kazoo = await open();
  await kazoo.tree.walk(false, signal);
  kazoo.platform.endTokens();
  assert.equal((await kazoo.tree.walk(false, signal)).length, 9);
  assert.equal(kazoo.platform.logins, 2);
});

test('an API key that Kazoo refuses is told without its value; a new one in the file is used', LIMIT, async () => {
  await using kazoo = await open(ACCOUNTS, 'canary-wrong');
  await assert.rejects(kazoo.tree.walk(false, signal), (error: Error & { code: string }) => {
    assert.equal(error.code, 'KEY_REFUSED');
    assert.doesNotMatch(error.message, /canary/);
    return true;
  });
  await writeFile(kazoo.apiKeyFile, kazoo.platform.apiKey);
  assert.equal((await kazoo.tree.walk(false, signal)).length, 9);
});

test('too many questions are asked again, later; a passing failure too', LIMIT, async () => {
  await using kazoo = await open();
  const failures = [429, 503, 500];
  kazoo.platform.misbehave(({ url = '' }, response) => {
    const status = url.includes('descendants') ? failures.pop() : undefined;
    if (status === undefined) return false;
    response.writeHead(status, status === 429 ? { 'retry-after': '1' } : {}).end('{}');
    return true;
  });
  assert.equal((await kazoo.tree.walk(false, signal)).length, 9);
});

const faults: readonly [what: string, code: string, (response: ServerResponse) => void][] = [
  ['pages that lead back', 'PAGE_LOOP', (response) => say(response, 200, { data: [], next_start_key: 'again' })],
  ['a page that is cut off', 'ANSWER_NOT_JSON', (response) => void response.writeHead(200).end('{"data":[{"id":"a"')],
  ['rows without a tree', 'ANSWER_NOT_UNDERSTOOD', (response) => say(response, 200, { data: [{ id: 'a' }] })],
  ['another page', 'ANSWER_NOT_JSON', (response) => void response.writeHead(200).end('<html>')],
  ['no right to it', 'STATUS_403', (response) => say(response, 403, {})],
];
for (const [what, code, answer] of faults) {
  test(`${what}: nothing of the walk is taken over, and the next one is whole`, LIMIT, async () => {
    await using kazoo = await open();
    await kazoo.tree.walk(false, signal);
    kazoo.platform.misbehave(({ url = '' }, response) => {
      if (!url.includes('descendants')) return false;
      answer(response);
      return true;
    });
    await assert.rejects(kazoo.tree.walk(false, signal), { code });
    assert.equal(kazoo.tree.size, 9);
    kazoo.platform.misbehave(null);
    assert.equal((await kazoo.tree.walk(false, signal)).length, 9);
  });
}

test('an account that a page misses is asked for before it counts as gone', LIMIT, async () => {
  await using kazoo = await open();
  await kazoo.tree.walk(false, signal);
  kazoo.platform.misbehave(({ url = '' }, response) => {
    if (!url.includes('descendants')) return false;
    const data = ['a', 'b'].map((id) => ({ id, name: `Name ${id}`, realm: `${id}.example.com`, tree: ['root'] }));
    say(response, 200, { data });
    return true;
  });
  kazoo.platform.accounts.delete('f');
  const ids = (await kazoo.tree.walk(true, signal)).map(({ id }) => id).toSorted();
  assert.deepEqual(ids, ['a', 'b', 'c', 'd', 'e', 'g', 'h', 'root']);
});

test(
  'a walk without missed changes asks for the documents of new and changed rows, and of a sixth of the others',
  LIMIT,
  async () => {
    await using kazoo = await open();
    await kazoo.tree.walk(false, signal);
    const documents = async () => {
      kazoo.platform.asked.length = 0;
      await kazoo.tree.walk(true, signal);
      return kazoo.platform.asked.filter((one) => /accounts\/\w$/.test(one));
    };
    const seen: string[] = [];
    for (let walk = 0; walk < 6; walk += 1) seen.push(...(await documents()));
    assert.deepEqual(
      seen.toSorted(),
      'abcdefgh'.split('').map((id) => `GET /v2/accounts/${id}`),
    );
  },
);

test('accounts that change are asked for alone: renamed, disabled, made, moved and deleted', LIMIT, async () => {
  await using kazoo = await open();
  const { platform, tree } = kazoo;
  await tree.walk(false, signal);
  const change = async (...ids: string[]) => {
    const { changes, isSure } = await tree.refresh(ids, signal);
    return { isSure, changes: Object.fromEntries(changes) };
  };
  platform.accounts.set('a', { name: 'New', realm: 'new.example.com', parent: 'root', enabled: false });
  const a = { id: 'a', name: 'New', realm: 'new.example.com', parent: 'root', enabled: false };
  assert.deepEqual(await change('a'), { isSure: true, changes: { a } });
  platform.accounts.set('new', { name: 'n', realm: 'n.example.com', parent: 'h' });
  const made = { id: 'new', name: 'n', realm: 'n.example.com', parent: 'h', enabled: true };
  assert.deepEqual(await change('new'), { isSure: true, changes: { new: made } });
  // A subtree moves from its top.
  Object.assign(platform.accounts.get('g') as KazooAccount, { parent: 'b' });
  const moved = await change('g', 'h', 'new');
  assert.equal(moved.isSure, true);
  assert.deepEqual(
    Object.values(moved.changes).map((one) => one?.parent),
    ['b', 'g', 'h'],
  );
  Object.assign(platform.accounts.get('g') as KazooAccount, { parent: 'c' });
  assert.equal((await change('h')).isSure, false, 'its parent is not known yet');
  platform.accounts.delete('new');
  assert.deepEqual(await change('new'), { isSure: true, changes: { new: null } });
  platform.accounts.delete('g');
  assert.equal((await change('g')).isSure, false, 'there are accounts below it');
  assert.deepEqual(await change('never-seen'), { isSure: true, changes: {} });
});
