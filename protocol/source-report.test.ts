import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodeSourceReport,
  encodeSourceReport,
  parseReportField,
  reportField,
  SWITCH_STATES,
  type SourceReport,
} from './source-report.ts';

const REPORT: SourceReport = {
  state: 'Live',
  since: 1_763_979_370_000,
  reason: '',
  instance: '83ca7152',
  heard: { from: 1_763_979_370_000, to: 1_763_979_430_000 },
  leading: true,
  bound: null,
  at: 1_763_979_430_000,
};

test('a report is read as it was written, in every state', () => {
  for (const state of SWITCH_STATES) {
    assert.deepEqual(decodeSourceReport(encodeSourceReport({ ...REPORT, state })), { ...REPORT, state });
  }
  assert.equal(decodeSourceReport('{}'), null);
});

test('the field of a report names replica and endpoint', () => {
  assert.deepEqual(parseReportField(reportField('pbx-0', 'pbx1')), { replica: 'pbx-0', endpoint: 'pbx1' });
  for (const field of ['', 'a', 'a/', '/b', 'a/b/c']) assert.equal(parseReportField(field), null, field);
});
