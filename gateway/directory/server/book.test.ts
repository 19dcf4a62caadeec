import assert from 'node:assert/strict';
import { gunzipSync } from 'node:zlib';
import { test } from 'node:test';
import fc from 'fast-check';
import { MOST_CHANGES } from '../http/changes.ts';
import { Book } from './book.ts';
import type { ServedAccount, ServedEntries, ServedUser } from './entries.ts';

const account = (id: string, name = id, parent: string | null = null): ServedAccount => ({
  id,
  name,
  realm: `${id}.example.com`,
  parent,
  enabled: true,
});
const user = (username: string, of: string, passwordHash = '$argon2id$x'): ServedUser => ({
  username,
  account: of,
  passwordHash,
  enabled: true,
});

const linesOf = async (book: Book) => {
  const packed = await book.packed();
  return gunzipSync(packed?.body ?? Buffer.alloc(0))
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .toSorted();
};

test('equal entries have an equal ETag, in any order and by any way; without the secret it is another', async () => {
  const entries: ServedEntries = { accounts: [account('a'), account('b')], users: [user('eva', 'a')] };
  const [one, other, foreign] = [new Book('s'), new Book('s'), new Book('another')];
  assert.equal(one.etag, null);
  assert.equal(await one.replace(entries), true);
  assert.equal(await one.replace(entries), false);
  await other.replace({ accounts: [account('b', 'x'), account('c')], users: [] });
  assert.notEqual(other.etag, one.etag);
  await other.replace({ accounts: entries.accounts.toReversed(), users: entries.users });
  await foreign.replace(entries);
  assert.equal(other.etag, one.etag);
  assert.notEqual(foreign.etag, one.etag);
});

test('hashes that are not for gateways are in no line, and are found for a check', async () => {
  const book = new Book('s');
  await book.replace({ accounts: [account('a')], users: [user('old', 'a', '$2b$04$x')] });
  const { etag } = book;
  await book.replace({ accounts: [account('a')], users: [user('old', 'a', '$2b$04$y')] });
  assert.equal(book.etag, etag);
  assert.equal(book.userOf('a', 'OLD')?.passwordHash, '$2b$04$y');
  assert.equal((await linesOf(book)).length, 1);
});

test('an id that comes twice is served twice, so that gateways refuse it', async () => {
  const book = new Book('s');
  await book.replace({ accounts: [account('a'), account('a', 'again')], users: [] });
  assert.deepEqual([(await linesOf(book)).length, book.size.accounts], [2, 2]);
});

test('more changes than an answer may have, and contents that are forgotten, are told as a whole', async () => {
  const book = new Book('s');
  await book.replace({ accounts: [account('a')], users: [] });
  const first = book.etag ?? '';
  book.change(new Map([['b', account('b')]]));
  assert.equal(book.changesSince(first), `${JSON.stringify(account('b'))}\n`);
  const many = Array.from({ length: MOST_CHANGES + 1 }, (_, at) => account(`m${at}`));
  await book.replace({ accounts: [account('a'), account('b'), ...many], users: [] });
  assert.equal(book.changesSince(first), null);
  const second = book.etag ?? '';
  for (let at = 0; at < 300; at += 1) book.change(new Map([['a', account('a', `name ${at}`)]]));
  assert.equal(book.changesSince(second), null);
  assert.equal(book.changesSince('"unknown"'), null);
});

test('changes since any earlier content lead to the present one', async () => {
  const ids = ['a', 'b', 'c', 'd'];
  const content = fc.array(fc.tuple(fc.constantFrom(...ids), fc.constantFrom('x', 'y')), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(content, content), { minLength: 2, maxLength: 8 }), async (contents) => {
      const book = new Book('s');
      const states: { etag: string; lines: Map<string, string> }[] = [];
      for (const [accounts, users] of contents) {
        await book.replace({
          accounts: [...new Map(accounts)].map(([id, name]) => account(id, name)),
          users: [...new Map(users)].map(([id, name]) => user(id.toUpperCase(), 'a', `$argon2id$${name}`)),
        });
        states.push({
          etag: book.etag ?? '',
          lines: new Map((await linesOf(book)).map((line) => [keyOf(line), line])),
        });
      }
      const last = states.at(-1);
      for (const { etag, lines } of states) {
        if (etag === book.etag) continue;
        for (const line of (book.changesSince(etag) ?? '').split('\n').filter((one) => one !== '')) {
          if (line.startsWith('{"removed":')) lines.delete(keyOf(JSON.stringify(JSON.parse(line).removed)));
          else lines.set(keyOf(line), line);
        }
        assert.deepEqual([...lines.values()].toSorted(), [...(last?.lines.values() ?? [])].toSorted());
      }
    }),
  );
});

function keyOf(line: string): string {
  const { id, username, account: of } = JSON.parse(line) as Record<string, string>;
  return username === undefined ? String(id) : `${of}/${username.toLowerCase()}`;
}
