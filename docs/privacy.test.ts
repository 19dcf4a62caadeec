import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { EVENT_FIELDS } from '../protocol/event-schema.ts';
import { privacyClass } from '../protocol/privacy-class.ts';
import { readPseudonymKeys } from '../protocol/pseudonym-keys.ts';
import { subscriptionSchema } from '../protocol/subscription.ts';
import { PRIVACY_PAGE, withPrivacyTable } from './privacy-table.ts';
import { readRepositoryFile } from './repository.ts';
import { snippet } from './testing/snippets.ts';

test('the table of the page is that of the code: run `npm run generate`', () => {
  const page = readRepositoryFile(PRIVACY_PAGE);
  assert.equal(withPrivacyTable(page), page);
  assert.match(page, /\| numbers \| `Caller-ID-Number`/);
});

test('the keys of the page are valid', () => {
  const read = readPseudonymKeys(snippet('privacy-keys'));
  assert.ok(read.ok, read.ok ? '' : read.fault);
  assert.deepEqual(
    read.keys.map(({ id }) => id),
    ['1', '2'],
  );
});

test('every field that is documented has a class', () => {
  const without = Object.keys(EVENT_FIELDS).filter((field) => privacyClass(field) === 'unknown');
  assert.deepEqual(without, []);
});

test('the profile of the page is valid, and what it leaves out is hidden', () => {
  const resource = parse(snippet('resource')) as { spec: object };
  const { spec } = parse(snippet('privacy-resource')) as { spec: object };
  const { privacy } = subscriptionSchema.parse({ ...resource, spec: { ...resource.spec, ...spec } }).spec;
  const [profile] = privacy.profiles;
  assert.deepEqual(
    [profile?.sdp, profile?.network, profile?.digits, profile?.names, profile?.billing, profile?.unknownFields],
    ['Drop', 'Drop', 'Drop', 'Drop', 'Drop', 'Drop'],
  );
});
