import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, byteText, CUT, spliceMembers, stringOf, stringText, type Judge } from './splice-members.ts';

const splice = (object: string, judge: Judge) =>
  bytesOf(spliceMembers(byteText(Buffer.from(object)), judge)).toString();
const without =
  (...cut: readonly string[]) =>
  (key: string, value: string) =>
    cut.includes(key) ? CUT : value;

test('a member goes with the comma before it, the first ones with the comma behind', () => {
  const object = '{ "a":1 , "b" : {"c":2},\n"d":[3,"}"] }';
  assert.equal(splice(object, without('a')), '{ "b" : {"c":2},\n"d":[3,"}"] }');
  assert.equal(splice(object, without('b')), '{ "a":1,\n"d":[3,"}"] }');
  assert.equal(splice(object, without('d')), '{ "a":1 , "b" : {"c":2} }');
  assert.equal(splice(object, without('a', 'b')), '{ "d":[3,"}"] }');
  assert.equal(splice(object, without('a', 'd')), '{ "b" : {"c":2} }');
  assert.deepEqual(JSON.parse(splice(object, without('a', 'b', 'd'))), {});
});

test('what stays keeps its bytes: an object of which nothing is cut is the same text', () => {
  const text = byteText(Buffer.from('{"a":12345678901234567890,"ü":"\\u0062 ä","a":1.50}'));
  assert.equal(
    spliceMembers(text, (_key, value) => value),
    text,
  );
  assert.equal(splice('{}', without('a')), '{}');
  assert.equal(splice('{ }', without('a')), '{ }');
});

test('strings end at the quote that no backslash escapes', () => {
  const object = JSON.stringify({ 'a"\\': 'x\\', b: '\\\\"}', 'c,': '],"d":1' });
  assert.deepEqual(JSON.parse(splice(object, without('b'))), { 'a"\\': 'x\\', 'c,': '],"d":1' });
  assert.deepEqual(JSON.parse(splice(object, without('a"\\'))), { b: '\\\\"}', 'c,': '],"d":1' });
});

test('keys and values say what JSON.parse says, also beyond ASCII', () => {
  const keys: string[] = [];
  const shown = splice('{"J\\u00fcrgen":"Ä","名":"x"}', (key, value) => {
    keys.push(key);
    return stringText(`${stringOf(value)} é`);
  });
  assert.deepEqual(keys, ['Jürgen', '名']);
  assert.equal(shown, '{"J\\u00fcrgen":"Ä é","名":"x é"}');
});
