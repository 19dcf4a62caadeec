import type { Scope } from '../subscription/scope.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isWithin, type Directory } from '../directory/directory.ts';
import { parseDirectory } from '../directory/parse-directory.ts';
import { authorise, isServed } from './authorise.ts';

function tree(parents: Record<string, string | null>): Directory {
  const accounts = Object.entries(parents).map(([id, parent]) => ({
    id,
    name: id,
    realm: `${id}.example.com`,
    parent,
  }));
  const parsed = parseDirectory(JSON.stringify({ accounts }));
  assert.ok(parsed.ok);
  return parsed.directory;
}

const directory = tree({ root: null, left: 'root', right: 'root', leaf: 'left', other: null });

function scope(change: Partial<Scope['filters']> = {}, id = 'root', includeDescendants = true): Scope {
  const filters = { events: [], excludeEvents: [], accounts: [], additionalEvents: [], ...change };
  return { account: { id, includeDescendants }, filters };
}

function ask(id: string, filter: { accounts?: string[]; events?: string[] }, resource: Scope = scope()) {
  const account = directory.accounts.get(id);
  assert.ok(account);
  const { accounts = null, events = null } = filter;
  return authorise({ account, accounts, events }, directory, resource);
}

test('without filters the grant is the whole subtree and all events', () => {
  assert.deepEqual(ask('left', {}), { ok: true, grant: { account: 'left', accounts: null, events: null } });
});

test('a foreign account is named, in the same words whether it exists or not', () => {
  for (const foreign of ['right', 'root', 'other', 'nobody', '__proto__', 'constructor']) {
    const answer = ask('left', { accounts: ['leaf', foreign] });
    assert.ok(!answer.ok);
    assert.deepEqual(answer.problem, {
      status: 403,
      code: 'foreign_account',
      detail: `not within the account of this login: ${foreign}`,
      field: 'accounts[1]',
      extra: { accounts: [foreign] },
    });
  }
});

test('a filter partly outside of what the resource offers is narrowed, one wholly outside is refused', () => {
  const resource = scope({ events: ['DTMF', 'CHANNEL_ANSWER'], excludeEvents: ['DTMF'], accounts: ['leaf'] });
  const narrowed = ask('left', { accounts: ['left', 'leaf'], events: ['DTMF', 'CHANNEL_ANSWER'] }, resource);
  assert.deepEqual(narrowed, { ok: true, grant: { account: 'left', accounts: ['leaf'], events: ['CHANNEL_ANSWER'] } });
  const codes = [
    ask('left', { accounts: ['left'] }, resource),
    ask('left', { events: ['DTMF'] }, resource),
    ask('right', {}, resource),
  ].map((answer) => (answer.ok ? 'granted' : answer.problem.code));
  assert.deepEqual(codes, ['account_not_offered', 'event_not_offered', 'account_not_offered']);
});

test('a resource serves its account, and its descendants when it includes them', () => {
  const served = (id: string, resource: Scope) => {
    const account = directory.accounts.get(id);
    return account !== undefined && isServed(account, resource);
  };
  assert.ok(served('leaf', scope({}, 'left')));
  assert.ok(!served('right', scope({}, 'left')));
  assert.ok(!served('root', scope({}, 'left')));
  assert.ok(!served('leaf', scope({}, 'left', false)));
  assert.ok(served('left', scope({}, 'left', false)));
});

test('I5: no grant names an account outside of the login, on any tree', () => {
  const ids = ['a', 'b', 'c', 'd', '__proto__', 'constructor', 'A', 'a_', 'a-'];
  const parents = fc.tuple(...ids.map((_, index) => fc.option(fc.constantFrom(...ids.slice(0, Math.max(index, 1))))));
  fc.assert(
    fc.property(
      parents,
      fc.subarray(ids),
      fc.subarray(ids),
      fc.constantFrom(...ids),
      (parents, asked, offered, own) => {
        const entries = ids.map((id, index) => ({
          id,
          name: `n${index}`,
          realm: `r${index}`,
          parent: index === 0 ? null : (parents[index] ?? null),
        }));
        const parsed = parseDirectory(JSON.stringify({ accounts: entries }));
        assert.ok(parsed.ok);
        const account = parsed.directory.accounts.get(own);
        assert.ok(account);
        const resource = scope({ accounts: offered }, own);
        const answer = authorise(
          { account, accounts: asked.length ? asked : null, events: null },
          parsed.directory,
          resource,
        );
        for (const id of answer.ok ? (answer.grant.accounts ?? []) : []) {
          const granted = parsed.directory.accounts.get(id);
          assert.ok(granted && isWithin(granted, own) && asked.includes(id));
          assert.ok(offered.length === 0 || offered.includes(id));
        }
      },
    ),
    { numRuns: 2_000 },
  );
});
