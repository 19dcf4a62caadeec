import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLOSE, FIRST_FINAL_CODE } from './close-code.ts';
import { CLOSE_MEANINGS } from './close-meaning.ts';
import { FRAME_ERRORS } from './frame-error.ts';
import { problemMeaning, PROBLEMS } from './problem-code.ts';

const sections = Object.values(PROBLEMS).map((section) => Object.entries(section));
const problems = sections.flat();

test('a problem code is in one section, with statuses of HTTP errors and a sentence without a full stop', () => {
  assert.equal(new Set(problems.map(([code]) => code)).size, problems.length);
  for (const [code, { status, cause, remedy }] of problems) {
    assert.ok(status.length > 0 && status.every((one) => one >= 400 && one < 600), code);
    assert.match(cause, /^[A-Zf].*[^.]$|^username/, code);
    assert.match(remedy, /^[a-z].*[^.]$/, code);
    assert.equal(problemMeaning(code)?.cause, cause);
  }
  assert.equal(problemMeaning('toString'), undefined);
});

test('a server that is out of order may be asked again, and only that, a crowd or a conflict', () => {
  for (const [code, { status, again }] of problems) {
    const passes = status.some((one) => [408, 429, 500, 503].includes(one));
    // A conflict may be temporary, or last as long as the configuration.
    if (again === 'wait') assert.ok(passes || status.includes(409), code);
    else assert.ok(!passes, code);
  }
});

test('every close code has a meaning, and a client that comes back is told so by the code', () => {
  const meanings = Object.values(CLOSE_MEANINGS);
  assert.deepEqual(
    [...new Set(meanings.map(({ code }) => code))].toSorted((a, b) => a - b),
    Object.values(CLOSE).toSorted((a, b) => a - b),
  );
  for (const { code, again } of meanings)
    assert.equal(again === 'no', code >= FIRST_FINAL_CODE || code === 1000, `${code}`);
});

test('a frame error says what to do', () => {
  for (const [code, { cause, remedy }] of Object.entries(FRAME_ERRORS)) {
    assert.ok(cause.length > 0 && remedy.length > 0, code);
  }
});
