import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { watchEvents } from './watch-events.ts';

const line = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;
const added = (name: string) => line('ADDED', { metadata: { name, resourceVersion: '1' } });

async function collect(chunks: readonly string[], end = true): Promise<string[]> {
  const stream = new PassThrough();
  for (const chunk of chunks) stream.write(chunk);
  if (end) stream.end();
  const names: string[] = [];
  for await (const { object } of watchEvents(stream as unknown as IncomingMessage, 200))
    names.push(object.metadata.name);
  return names;
}

test('events are read whatever the pieces they come in', async () => {
  const text = added('a') + added('bü') + added('c');
  assert.deepEqual(await collect(text.split('')), ['a', 'bü', 'c']);
});

test('what is cut off, no JSON, or no event is an end that is told', async () => {
  await assert.rejects(collect([added('a'), '{"type":"ADD']), /cut off within a line/);
  await assert.rejects(collect(['<html>\n']), /not JSON/);
  await assert.rejects(collect(['{}\n']), /no watch event/);
});

test('a history that is gone is an error with its status', async () => {
  const gone = line('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' });
  await assert.rejects(collect([gone]), { name: 'ApiError', status: 410, reason: 'Expired' });
});

test('a watch that says nothing is given up', async () => {
  await assert.rejects(collect([added('a')], false), /went silent/);
});
