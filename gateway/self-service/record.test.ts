import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Grant } from '../auth/grant.ts';
import { covers, decodeRecord } from './record.ts';

const all: Grant = { account: 'shop', accounts: null, events: null };
const part: Grant = { account: 'shop', accounts: ['a', 'b'], events: ['CHANNEL_ANSWER'] };
const less: Grant = { ...part, accounts: ['a'] };
const with_ = (grant: Grant, ...profiles: string[]) => ({ grant, profiles });

test('a login may change a webhook that gets no more than the login would', () => {
  const table: readonly [Parameters<typeof covers>[0], Parameters<typeof covers>[1], boolean][] = [
    [with_(all), with_(all), true],
    [with_(all), with_(part), true],
    [with_(part), with_(all), false],
    [with_(part), with_(less), true],
    [with_(less), with_(part), false],
    [with_(part), with_({ ...less, events: null }), false],
    [with_(part), with_({ ...less, events: ['CHANNEL_DESTROY'] }), false],
    [with_({ ...all, account: 'other' }), with_(all), false],
    // What hides personal data from the login hides it in the webhook.
    [with_(all, 'crm'), with_(all), false],
    [with_(all, 'crm'), with_(all, 'strict', 'crm'), true],
    [with_(all), with_(all, 'strict'), true],
  ];
  for (const [at, [token, webhook, is]] of table.entries()) assert.equal(covers(token, webhook), is, `row ${at}`);
});

test('a record that no version of the gateway wrote is no webhook', () => {
  for (const text of ['', '{}', 'null', '{"v":2}'])
    assert.equal(decodeRecord({ account: 'shop', id: 'wh' }, text), null);
});
