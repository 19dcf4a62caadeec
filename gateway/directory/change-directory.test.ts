import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { planChange } from './change-directory.ts';
import { isWithin } from './directory.ts';
import type { IndexedDirectory } from './directory-index.ts';
import { MOST_CHANGES, removalLine } from './http/changes.ts';
import { readChanges } from './http/read-changes.ts';
import { directoryFrom } from './parse-directory.ts';
import { readLineEntries } from './read-entries.ts';

const IDS = ['a', 'b', 'c', 'd', 'e'];
/** Names and realms are often those of others. */
const WORDS = ['a', 'b', 'North', 'north', 'Bücher'];
const hash = (cost: number) =>
  `$argon2id$v=19$m=${cost},t=2,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b6dWRWJTmaaJObGQ6l5Tm7p9aA`;

const account = fc.record({
  id: fc.constantFrom(...IDS),
  name: fc.constantFrom(...WORDS),
  realm: fc.constantFrom(...IDS.map((id) => `${id}.example.com`), 'north'),
  parent: fc.option(fc.constantFrom(...IDS)),
  enabled: fc.boolean(),
});
const user = fc.record({
  username: fc.constantFrom('eva', 'EVA', 'max'),
  account: fc.constantFrom(...IDS),
  passwordHash: fc.constantFrom(hash(8), hash(16)),
  enabled: fc.boolean(),
});
const unique = <T>(items: readonly T[], key: (item: T) => string) => [
  ...new Map(items.map((one) => [key(one), one])).values(),
];
const userKey = ({ username, account: of }: { username: string; account: string }) => `${of}/${username.toLowerCase()}`;
/** Entries whose ids are unique. Most are a whole directory; of the rest everything about them may be wrong. */
const content = fc
  .record({
    accounts: fc.array(account, { minLength: 1, maxLength: 7 }),
    users: fc.array(user, { maxLength: 4 }),
    isWild: fc.constantFrom(true, false, false),
  })
  .map(({ isWild, ...drawn }) => {
    const accounts = unique(drawn.accounts, ({ id }) => id);
    const users = unique(drawn.users, userKey);
    if (isWild) return { accounts, users };
    const has = (id: string | null) => accounts.some((one) => one.id === id);
    return {
      accounts: accounts.map((one) => ({
        ...one,
        realm: one.realm === 'north' && one.id === accounts[0]?.id ? 'north' : `${one.id}.example.com`,
        parent: has(one.parent) && (one.parent ?? '') < one.id ? one.parent : null,
      })),
      users: users.filter((one) => has(one.account)),
    };
  });
type Content = typeof content extends fc.Arbitrary<infer T> ? T : never;

function build({ accounts, users }: Content): IndexedDirectory | null {
  const parsed = directoryFrom(readLineEntries([...accounts, ...users].map((one) => JSON.stringify(one))));
  return parsed.ok ? parsed.directory : null;
}

/** The lines that lead from one to the other. */
function linesBetween(from: Content, to: Content): string {
  const lines: string[] = [];
  const compare = <T>(
    before: readonly T[],
    after: readonly T[],
    key: (item: T) => string,
    gone: (item: T) => string,
  ) => {
    const known = new Map(before.map((one) => [key(one), JSON.stringify(one)]));
    for (const one of after) if (known.get(key(one)) !== JSON.stringify(one)) lines.push(`${JSON.stringify(one)}\n`);
    const kept = new Set(after.map(key));
    for (const one of before) if (!kept.has(key(one))) lines.push(gone(one));
  };
  compare(from.users, to.users, userKey, ({ username, account: of }) => removalLine({ username, account: of }));
  compare(
    from.accounts,
    to.accounts,
    ({ id }) => id,
    ({ id }) => removalLine({ id }),
  );
  return lines.join('');
}

/** All that can be seen of a directory. */
function seen(directory: IndexedDirectory) {
  const { accounts, hashCosts, ambiguousNames, index } = directory;
  const sorted = [...accounts.values()].toSorted((one, other) => (one.id < other.id ? -1 : 1));
  return {
    accounts: sorted.map(({ id, name, realm, parent, enabled }) => ({ id, name, realm, parent: parent?.id, enabled })),
    children: sorted.map(({ id }) => [...directory.childrenOf(id)].map((child) => child.id).toSorted()),
    within: sorted.flatMap((one) => sorted.map(({ id }) => isWithin(one, id))),
    domains: [...WORDS, ...IDS.map((id) => `${id}.example.com`)].map((word) => directory.accountByDomain(word)?.id),
    ambiguous: ambiguousNames.map((name) => name.toLowerCase()).toSorted(),
    users: [...index.users]
      .map(([key, { account: of, ...rest }]) => ({ key, of: of.id, ...rest }))
      .toSorted((one, other) => (one.key < other.key ? -1 : 1)),
    hashCosts,
    counts: sorted.map(({ id }) => index.usersOf(id)),
  };
}

test('changes make of a directory what reading it anew makes, and fit exactly where that has no fault', () => {
  let [fits, refused] = [0, 0];
  fc.assert(
    fc.property(fc.array(content, { minLength: 2, maxLength: 6 }), (contents) => {
      let present: { content: Content; directory: IndexedDirectory } | null = null;
      for (const next of contents) {
        const anew = build(next);
        if (present === null) {
          if (anew !== null) present = { content: next, directory: anew };
          continue;
        }
        const changes = readChanges(linesBetween(present.content, next));
        assert.ok(changes !== null);
        const before = seen(present.directory);
        const plan = planChange(present.directory, changes);
        assert.deepEqual(seen(present.directory), before, 'nothing changes before it is applied');
        assert.equal(plan === null, anew === null);
        if (plan === null || anew === null) {
          refused += 1;
          continue;
        }
        fits += 1;
        assert.equal(plan.accounts, next.accounts.length);
        present = { content: next, directory: plan.apply() };
        assert.deepEqual(seen(present.directory), seen(anew));
      }
    }),
    { numRuns: 1_000 },
  );
  assert.ok(fits > 300 && refused > 300, `${fits} fit, ${refused} did not`);
});

const three = () => {
  const at = (id: string, parent: string | null) => ({
    id,
    name: id,
    realm: `${id}.example.com`,
    parent,
    enabled: true,
  });
  const directory = build({ accounts: [at('a', null), at('b', 'a'), at('c', 'b')], users: [] });
  assert.ok(directory !== null);
  return { directory, at };
};

test('an account stays the same object when it changes, and so do those below it', () => {
  const { directory, at } = three();
  const [b, c] = [directory.accounts.get('b'), directory.accounts.get('c')];
  const changes = readChanges(`${JSON.stringify({ ...at('b', null), name: 'New' })}\n`);
  const next = planChange(directory, changes ?? assert.fail())?.apply();
  assert.notEqual(next, directory);
  assert.equal(next?.accounts.get('b'), b);
  assert.deepEqual([c?.parent?.name, b?.parent], ['New', null]);
});

test('what is no change, and too many of them, is not taken', () => {
  const { directory, at } = three();
  assert.equal(readChanges('nonsense\n'), null);
  assert.equal(readChanges('{"removed":{"realm":"a"}}\n'), null);
  assert.equal(readChanges('{"removed":{"id":"a"},"id":"a"}\n'), null);
  assert.equal(readChanges(removalLine({ id: 'x' }).repeat(MOST_CHANGES + 1)), null);
  const twice = readChanges(`${JSON.stringify(at('b', null))}\n`.repeat(2));
  assert.equal(planChange(directory, twice ?? assert.fail()), null);
  const both = readChanges(`${JSON.stringify(at('c', 'a'))}\n${removalLine({ id: 'c' })}`);
  assert.equal(planChange(directory, both ?? assert.fail()), null);
  const absent = readChanges(removalLine({ id: 'x' }) + removalLine({ username: 'x', account: 'a' }));
  assert.equal(planChange(directory, absent ?? assert.fail())?.accounts, 3);
});
