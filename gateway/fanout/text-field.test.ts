import assert from 'node:assert/strict';
import { test } from 'node:test';
import { syntheticOf, textField } from './text-field.ts';

test('a text of an event is found by its name, at the top level alone, whatever the event says elsewhere', () => {
  const event = (json: string) => Buffer.from(json);
  assert.equal(textField(event('{"Node":"fs1"}'), 'Node'), 'fs1');
  assert.equal(textField(event(' {"of":{"Node":"inner"} , "Node" : "a\\"b" }'), 'Node'), 'a"b');
  for (const json of ['{}', '{"of":{"Node":"inner"}}', '{"says":"Node"}', '{"Node":1}', '{"Node":""}', '{"Node":null}'])
    assert.equal(textField(event(json), 'Node'), null, json);
});

test('why an event is not the switch’s own is one of the known reasons: a producer may write anything', () => {
  const of = (value: unknown) => syntheticOf(Buffer.from(JSON.stringify({ 'Firehose-Synthetic': value })));
  assert.deepEqual(['missed', 'silent', 'invented', 7, null].map(of), ['missed', 'silent', null, null, null]);
});
