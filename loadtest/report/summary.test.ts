import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSettings } from '../settings/settings.ts';
import { summarize, type Result, type SummaryData } from './summary.ts';

const DATA: SummaryData = {
  metrics: {
    firehose_lost: { type: 'counter', values: { count: 2, rate: 0.5 }, thresholds: { 'count==0': { ok: false } } },
    firehose_latency: { type: 'trend', values: { 'p(99)': 12.345 }, thresholds: { 'p(99)<500': { ok: true } } },
    firehose_reconnects: { type: 'counter', values: { count: 3 } },
    firehose_books: {
      type: 'rate',
      values: { rate: 0.5, passes: 30, fails: 30 },
      thresholds: { 'rate>=0.5': { ok: true } },
    },
    vus: { type: 'gauge', values: { value: 5 } },
  },
  state: { testRunDurationMs: 4_321 },
};

const withSummary = (SUMMARY: string) => readSettings('load', { SUMMARY, FIREHOSE_PASSWORD: 'canary' });

test('the page tells what was decided, what was measured, and what the script has to say', () => {
  const { stdout = '' } = summarize('load', withSummary(''), DATA, ['a note']);
  assert.match(stdout, /^\nload: FAILED after 4\.3 s/);
  assert.match(stdout, / {2}FAILED firehose_lost {2}count==0 +count=2 rate=0\.50\n/);
  assert.match(stdout, / {2}ok {5}firehose_latency {2}p\(99\)<500 +p\(99\)=12\.35\n/);
  assert.match(stdout, / {2}ok {5}firehose_books {2}rate>=0\.5 +30 closed of 30 opened\n/);
  assert.match(stdout, /\n +firehose_reconnects +count=3\n/);
  assert.match(stdout, /\n {2}a note\n/);
  assert.ok(!stdout.includes('vus'));
});

test('the JSON goes where SUMMARY says, and holds nothing secret', () => {
  assert.deepEqual(Object.keys(summarize('load', withSummary(''), DATA)), ['stdout']);
  const { 'r.json': file = '' } = summarize('load', withSummary('r.json'), DATA);
  const result = JSON.parse(file) as Result;
  assert.deepEqual([result.script, result.passed, result.seconds], ['load', false, 4.3]);
  assert.deepEqual(result.thresholds[0], { metric: 'firehose_lost', condition: 'count==0', ok: false });
  assert.equal(result.metrics['firehose_latency']?.['p(99)'], 12.345);
  assert.equal(result.parameters['CONNECTIONS'], 50);
  assert.ok(!file.includes('canary'));
  const { stdout = '' } = summarize('load', withSummary('-'), DATA);
  assert.equal(
    JSON.stringify(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')),
    JSON.stringify(result).replace('"r.json"', '"-"'),
  );
});
