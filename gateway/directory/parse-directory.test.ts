import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isActive, isWithin } from './directory.ts';
import { describeFaults } from './fault.ts';
import { parseDirectory } from './parse-directory.ts';

const HASH = '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b6dWRWJTmaaJObGQ6l5Tm7p9aA';
const ROOT = '91eb05e5c68d7ca05e7618b6821d2d16';

function loaded(text: string) {
  const parsed = parseDirectory(text);
  assert.ok(parsed.ok, parsed.ok ? '' : describeFaults(parsed.faults));
  return parsed.directory;
}

function faults(text: string): Record<string, string> {
  const parsed = parseDirectory(text);
  assert.ok(!parsed.ok, 'expected faults');
  return Object.fromEntries(parsed.faults.map(({ where, message }) => [where, message]));
}

const EXAMPLE = `
accounts:
  - { id: "${ROOT}", name: admin, realm: admin.sip.example.com }
  - { id: "account_id_1", name: Acme, realm: acme.sip.example.com, parent: "${ROOT}", enabled: true }
users:
  - { username: admin, account: "${ROOT}", passwordHash: "${HASH}", enabled: true }
`;

test('the documented example loads, and is found by name, realm and user without case', () => {
  const directory = loaded(EXAMPLE);
  const admin = directory.accountByDomain('ADMIN');
  assert.equal(admin?.id, ROOT);
  assert.equal(directory.accountByDomain('Acme.SIP.example.com')?.id, 'account_id_1');
  assert.equal(directory.userOf(admin, 'Admin')?.passwordHash, HASH);
  const acme = directory.accounts.get('account_id_1');
  assert.ok(acme);
  assert.equal(directory.userOf(acme, 'admin'), undefined);
  assert.ok(isWithin(acme, ROOT));
  assert.equal(directory.accountByDomain('nobody'), undefined);
});

test('the same content as JSON loads alike', () => {
  const directory = loaded(
    JSON.stringify({ accounts: [{ id: 'a', name: 'A', realm: 'a.example.com', enabled: false }], users: [] }),
  );
  const account = directory.accounts.get('a');
  assert.ok(account && !isActive(account));
});

test('a parent may stand below its child, and there may be several roots', () => {
  const directory = loaded(`
accounts:
  - { id: b, name: B, realm: b.example.com, parent: a }
  - { id: a, name: A, realm: a.example.com }
  - { id: c, name: C, realm: c.example.com }
`);
  assert.equal(directory.accounts.get('b')?.parent?.id, 'a');
  assert.equal(directory.accounts.get('c')?.parent, null);
});

test('all faults are told at once, each with its place', () => {
  const told = faults(`
accounts:
  - { id: 1e10, name: A, realm: a.example.com }
  - { id: 0123, name: 2600, realm: b.example.com, colour: red }
  - { id: "x y", name: C, realm: c.example.com }
  - { id: d, name: D, realm: d.example.com, parent: nobody }
  - { id: d, name: E, realm: e.example.com }
  - { id: f, name: F, realm: D.Example.Com }
  - { id: g, name: d.example.com, realm: g.example.com }
  - { id: h, name: H, realm: h.example.com, enabled: "yes" }
  - { id: i, name: I, realm: i.example.com, parent: j }
  - { id: j, name: J, realm: j.example.com, parent: i }
  - just text
users:
  - { username: eva, account: f, passwordHash: "${HASH}" }
  - { username: EVA, account: f, passwordHash: "${HASH}" }
  - { username: eva, account: nobody, passwordHash: "${HASH}" }
  - { username: max, account: f, passwordHash: secret }
  - { username: 1001, account: f, passwordHash: "${HASH}" }
extra: 1
`);
  assert.match(told['accounts[0].id'] ?? '', /quote it/);
  assert.match(told['accounts[1].id'] ?? '', /quote it/);
  assert.match(told['accounts[1].name'] ?? '', /quote it/);
  assert.match(told['accounts[1].colour'] ?? '', /not known/);
  assert.match(told['accounts[2].id'] ?? '', /1 to 64/);
  assert.match(told['accounts[3].parent'] ?? '', /nobody is not the id/);
  assert.match(told['accounts[4].id'] ?? '', /also the id of accounts\[3\]/);
  assert.match(told['accounts[5].realm'] ?? '', /also the realm of accounts\[3\]/);
  assert.match(told['accounts[7].enabled'] ?? '', /true nor false/);
  assert.match(told['accounts[8].parent'] ?? '', /cycle: i -> j -> i/);
  assert.match(told['accounts[10]'] ?? '', /not a mapping/);
  assert.match(told['users[1].username'] ?? '', /also a user/);
  assert.match(told['users[2].account'] ?? '', /nobody is not the id/);
  assert.match(told['users[3].passwordHash'] ?? '', /not an argon2id hash/);
  assert.match(told['users[4].username'] ?? '', /quote it/);
  assert.match(told['extra'] ?? '', /not known/);
  assert.equal(Object.keys(told).length, 16);
});

test('a name that several accounts have, or that is the realm of another, finds none of them; realms always do', () => {
  const directory = loaded(`
accounts:
  - { id: a, name: Sales, realm: a.example.com }
  - { id: b, name: SALES, realm: b.example.com, parent: a }
  - { id: c, name: A.example.com, realm: c.example.com }
  - { id: d, name: d.example.com, realm: d.example.com }
  - { id: e, name: Alone, realm: e.example.com }
`);
  const found = (domain: string) => directory.accountByDomain(domain)?.id;
  assert.equal(found('sales'), undefined);
  assert.deepEqual(
    ['a', 'b', 'c'].map((id) => found(`${id}.example.com`)),
    ['a', 'b', 'c'],
  );
  assert.deepEqual([found('d.example.com'), found('alone')], ['d', 'e']);
  assert.deepEqual(directory.ambiguousNames, ['SALES', 'A.example.com']);
});

test('a plain password in the place of a hash is never repeated', () => {
  const text = EXAMPLE.replace(HASH, 'canary-password');
  assert.ok(!JSON.stringify(faults(text)).includes('canary'));
});

test('what is not YAML, not a mapping or empty is a fault with its line', () => {
  assert.match(faults('accounts: [\n')['line 2'] ?? JSON.stringify(faults('accounts: [\n')), /not YAML|line/);
  assert.ok('the file' in faults('just text'));
  assert.ok('accounts' in faults('{}'));
  assert.ok('accounts' in faults('accounts: 5'));
  assert.match(Object.values(faults('accounts: []\naccounts: []')).join(), /duplicate/);
});

test('a hash that would ask for all memory is a fault', () => {
  const told = faults(EXAMPLE.replace('m=19456', 'm=9999999'));
  assert.match(told['users[0].passwordHash'] ?? '', /costs more/);
});

test('__proto__ and constructor are ids like any other', () => {
  const directory = loaded(`
accounts:
  - { id: __proto__, name: constructor, realm: __proto__ }
  - { id: constructor, name: toString, realm: valueOf, parent: __proto__ }
users:
  - { username: __proto__, account: constructor, passwordHash: "${HASH}" }
`);
  const account = directory.accountByDomain('tostring');
  assert.equal(account?.parent?.id, '__proto__');
  assert.equal(directory.userOf(account, '__PROTO__')?.account.id, 'constructor');
  assert.equal(directory.accounts.get('hasOwnProperty'), undefined);
  assert.equal(({} as Record<string, unknown>)['name'], undefined);
});

test('at most 100 faults are printed, with the number of the others', () => {
  const accounts = Array.from({ length: 150 }, () => ({}));
  const parsed = parseDirectory(JSON.stringify({ accounts }));
  assert.ok(!parsed.ok);
  const lines = describeFaults(parsed.faults).split('\n');
  assert.equal(lines.length, 101);
  assert.equal(lines.at(-1), `and ${parsed.faults.length - 100} more`);
});

test('no text at all makes it throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
      parseDirectory(text);
    }),
    { numRuns: 500 },
  );
});

for (const form of ['YAML', 'JSON'] as const) {
  test(`100,000 accounts in one chain and many subtrees load from ${form}`, () => {
    const accounts = Array.from({ length: 100_000 }, (_, index) => ({
      id: `acc_${index}`,
      name: `Account ${index}`,
      realm: `a${index}.sip.example.com`,
      ...(index > 0 && { parent: `acc_${index < 50_000 ? index - 1 : index >> 1}` }),
    }));
    const text =
      form === 'JSON'
        ? JSON.stringify({ accounts })
        : `accounts:\n${accounts.map((account) => `  - ${JSON.stringify(account)}`).join('\n')}\n`;
    const directory = loaded(text);
    assert.equal(directory.accounts.size, 100_000);
    let depth = 0;
    for (let at = directory.accounts.get('acc_49999'); at?.parent; at = directory.accounts.get(at.parent.id))
      depth += 1;
    assert.equal(depth, 49_999);
  });
}
