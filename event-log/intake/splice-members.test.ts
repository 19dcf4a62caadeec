import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, byteText, CUT, MemberRules, spliceMembers, stringOf, stringText } from './splice-members.ts';

type JudgeMember = (key: string, value: string) => string;

const rulesOf = (judge: JudgeMember) =>
  new MemberRules((key) => {
    const ofKey = (value: string) => judge(key, value);
    return { scalar: ofKey, container: ofKey };
  });
const splice = (object: string, judge: JudgeMember) =>
  bytesOf(spliceMembers(byteText(Buffer.from(object)), rulesOf(judge))).toString();
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
    spliceMembers(
      text,
      rulesOf((_key, value) => value),
    ),
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

test('a rule is asked for once for each written key, whatever order the keys come in', () => {
  const asked: string[] = [];
  const rules = new MemberRules((key) => {
    asked.push(key);
    return { scalar: key === 'b' ? 'cut' : 'keep', container: key === 'c' ? 'keep' : 'cut' };
  });
  const shown = (object: string) => bytesOf(spliceMembers(byteText(Buffer.from(object)), rules)).toString();
  assert.equal(shown('{"a":1,"b":2,"c":[1,2],"bc":{}}'), '{"a":1,"c":[1,2]}');
  assert.equal(shown('{"bc":1,"c":{"b":1},"b":2,"a":[],"a":3,"\\u0062":4}'), '{"bc":1,"c":{"b":1},"a":3}');
  assert.equal(shown('{"b":1,"a":1,"b" : "x"}'), '{"a":1}');
  assert.deepEqual(asked, ['a', 'b', 'c', 'bc', 'b']);
});

test('invented keys, however many and however long, change no other rule', () => {
  const rules = new MemberRules((key) => ({ scalar: key.startsWith('x') ? 'cut' : 'keep', container: 'keep' }));
  const invented = (n: number) => `"x${n}${'y'.repeat(n % 200)}":${n}`;
  for (let round = 0; round < 3; round += 1) {
    const keys = Array.from({ length: 2_500 }, (_, n) => [invented(n + round), `"kept":"${n}"`]).flat();
    const kept = keys.filter((member) => member.startsWith('"kept"'));
    assert.equal(spliceMembers(`{${keys.join(',')}}`, rules), `{${kept.join(',')}}`);
  }
});
