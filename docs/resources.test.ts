import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { NAMED_EVENTS, judgeName } from '../protocol/catalogue.ts';
import { CLOSE } from '../protocol/close-code.ts';
import { parseDirectory } from '../gateway/directory/parse-directory.ts';
import { KNOWN_REASONS, switchRemedy } from '../cli/doctor/switch-remedies.ts';
import { sourceKind, sourceSchema, sourceSpecSchema } from '../protocol/source.ts';
import { subscriptionSchema } from '../protocol/subscription.ts';
import { readRepositoryFile } from './repository.ts';
import { snippet } from './testing/snippets.ts';

const EVENTS = readRepositoryFile('docs/events.md');

test('the resource of the documentation is valid, and needs no other field', () => {
  subscriptionSchema.parse(parse(snippet('resource')));
});

test('compression is turned off by the field that the documentation says', () => {
  const resource = parse(snippet('resource')) as { spec: { gateway?: object } };
  const { spec } = parse(snippet('compression-disabled')) as { spec: { gateway: object } };
  const merged = { ...resource, spec: { ...resource.spec, ...spec } };
  assert.equal(subscriptionSchema.parse(merged).spec.gateway.connections.compression, 'Disabled');
});

test('the sources of the documentation are valid: one of each kind of switch, and one as a file', () => {
  const specOf = (name: string) => sourceSchema.parse(parse(snippet(name))).spec;
  assert.equal(sourceKind(specOf('source-resource-kazoo')), 'kazoo');
  assert.equal(sourceKind(specOf('source-resource-freeswitch')), 'freeswitch');
  assert.equal(sourceKind(specOf('source-resource-asterisk')), 'asterisk');
  assert.equal(sourceKind(sourceSpecSchema.parse(parse(snippet('source-file')))), 'simulator');
});

test('every reason that a source reports is explained, and no other', () => {
  const page = readRepositoryFile('docs/sources.md');
  const table = /\n\| reason .*?\n\n/s.exec(page)?.[0] ?? '';
  const explained = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, name = '']) => name);
  for (const reason of explained) assert.notEqual(switchRemedy(reason), switchRemedy('OfALaterVersion'), reason);
  for (const reason of KNOWN_REASONS) assert.ok(explained.includes(reason), reason);
});

test('the directory of the documentation is valid, and holds the account of the resource', () => {
  const parsed = parseDirectory(snippet('directory'));
  assert.ok(parsed.ok, JSON.stringify(parsed));
  const { spec } = subscriptionSchema.parse(parse(snippet('resource')));
  assert.ok(snippet('directory').includes(spec.account.id));
});

test('the sample event is one that is forwarded, with the fields that a client may rely on', () => {
  const event = JSON.parse(snippet('sample')) as Record<string, unknown>;
  assert.equal(judgeName(event['Event-Name']), 'forward');
  const [, reliable = ''] = /\n(`Event-Category`.*?) are in every event/s.exec(EVENTS) ?? [];
  for (const [, field = ''] of reliable.matchAll(/`([\w-]+)`/g))
    assert.ok(field in event, `${field} is not in the sample`);
});

test('the catalogue of the documentation is that of the product', () => {
  const table = /## The catalogue\n(.*?)\n- /s.exec(EVENTS)?.[1] ?? '';
  const rows = table.split('\n').filter((line) => line.startsWith('| `'));
  const named = rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name));
  assert.deepEqual(named.toSorted(), [...NAMED_EVENTS].toSorted());
});

test('names that the documentation says are never forwarded are dropped, and an unknown one is not', () => {
  const never = /\n- (`LEG_CREATED`.*?)are never forwarded/s.exec(EVENTS)?.[1] ?? '';
  const names = [...never.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
  assert.ok(names.length >= 7);
  assert.deepEqual(
    names.filter((name) => judgeName(name) !== 'drop'),
    [],
  );
  assert.equal(judgeName('CHANNEL_FOO'), 'forward');
});

test('the close codes of the documentation are those of the product', () => {
  const table = /## Close codes\n(.*?)\nA handshake/s.exec(readRepositoryFile('docs/connect.md'))?.[1] ?? '';
  const rows = table.split('\n').filter((line) => /^\| \d/.test(line));
  const listed = rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/\d+/g)].map(Number));
  const sentByTheWebSocketLibrary = [1009];
  assert.deepEqual(
    listed.toSorted((a, b) => a - b),
    [...Object.values(CLOSE), ...sentByTheWebSocketLibrary].toSorted((a, b) => a - b),
  );
});
