import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { CONFIGURE_FILE } from './document.ts';
import { fieldsOfSource, fieldsOfSubscription } from './fields.ts';
import { formattedConfigureText } from './formatted.ts';

test('docs/configure.md is what npm run generate writes', async () => {
  assert.equal(await readFile(CONFIGURE_FILE, 'utf8'), await formattedConfigureText(), 'run npm run generate');
});

test('every field of a source has a meaning, and required ones say so', () => {
  const fields = fieldsOfSource();
  for (const { path, meaning } of fields) assert.match(meaning, /\.$/, path);
  const byPath = new Map(fields.map((field) => [field.path, field]));
  assert.equal(byPath.get('freeswitch.endpoints[].host')?.fallback, 'required');
  assert.equal(byPath.get('freeswitch.endpoints[].host')?.takesEffect, 'followed');
  assert.equal(byPath.get('replicas')?.fallback, '`2`');
});

test('every field of the resource has a meaning, and required ones say so', () => {
  const fields = fieldsOfSubscription();
  assert.ok(fields.length > 80);
  for (const { path, meaning } of fields) assert.match(meaning, /\.$/, path);
  const byPath = new Map(fields.map((field) => [field.path, field]));
  assert.equal(byPath.get('account.id')?.fallback, 'required');
  assert.equal(byPath.get('stream.partitions')?.fallback, '`4`');
  assert.match(byPath.get('redis.mode')?.meaning ?? '', /One of `Standalone`, `Sentinel`, `Cluster`\.$/);
});
