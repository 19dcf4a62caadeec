import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keptUp } from './measurements.ts';
import { judge, TARGETS } from './ratios.ts';
import { ratioTable, sampleRow, sampleTable, table } from './report.ts';
import { cpuPerDelivery, deliveriesPerCpuSecond, faultsOf, isDisturbed, type Mark, type Sample } from './sample.ts';

const END: Mark = {
  timeUs: 0,
  frames: 5_000,
  bytes: 0,
  cpuUs: 0,
  sampled: 100,
  missing: 0,
  doubled: 0,
  inverted: 0,
  unreadable: 0,
  closed: 0,
  closeCode: 0,
  timed: 100,
  p50Us: 1_000,
  p99Us: 4_200,
  p999Us: 5_000,
  maxUs: 6_000,
};
const SAMPLE: Sample = {
  name: 'gateway',
  connections: 10,
  filters: 1,
  content: 'complete',
  deliveries: 1_000,
  bytes: 1_000_000,
  elapsedUs: 1_000,
  serverCpu: { userUs: 100, systemUs: 400 },
  waitedUs: 10,
  hasMoved: false,
  receiverCpuUs: 950,
  residentBytes: 1024 * 1024,
  offered: 5_000,
  end: END,
};

test('columns are as wide as their widest cell, text to the left and figures to the right', () => {
  assert.equal(
    table(
      ['name', 'n'],
      [
        ['a', '10'],
        ['longer', '2'],
      ],
    ),
    'name     n\n------  --\na       10\nlonger   2',
  );
});

test('cost and speed count the CPU time of the server, not the time that passed', () => {
  assert.equal(cpuPerDelivery(SAMPLE), 0.5);
  assert.equal(deliveriesPerCpuSecond(SAMPLE), 2_000_000);
});

test('a generator above 90 % is flagged', () => {
  assert.ok(sampleRow(SAMPLE, false).includes('95 % (!)'));
  assert.ok(sampleRow({ ...SAMPLE, receiverCpuUs: 500 }, false).includes('50 %'));
});

test('a server that had to share its core is flagged', () => {
  assert.ok(!isDisturbed(SAMPLE));
  assert.ok(isDisturbed({ ...SAMPLE, waitedUs: 60 }));
  assert.ok(isDisturbed({ ...SAMPLE, hasMoved: true }));
  assert.ok(sampleRow({ ...SAMPLE, waitedUs: 60 }, false).includes('6 % (!)'));
});

test('latencies are shown for paced samples alone', () => {
  assert.ok(sampleRow(SAMPLE, true).includes('4.2'));
  assert.ok(!sampleRow(SAMPLE, false).includes('4.2'));
  assert.match(sampleTable([sampleRow(SAMPLE, true)]), /p99 ms/);
});

test('a missed floor stands out in the table of ratios', () => {
  const text = ratioTable([judge(TARGETS.P1, [0.3]), judge(TARGETS.P11few, [3.9])]);
  assert.match(text, /P1 .*0\.30.*>= 0\.4.*FLOOR MISSED/);
  assert.match(text, /P11 .*3\.90 ms.*<= 4 ms.*goal met/);
});

test('what the C floor reaches stands beside a ratio that is judged by it', () => {
  const text = ratioTable([judge(TARGETS.P6, [31], [50]), judge(TARGETS.P1, [0.5])]);
  assert.match(text, /P6 .* 31\.0x .* 50\.0x +>= 30x +>= 37\.5x +above the floor/);
  assert.match(text, /P1 .* - +>= 0\.4 +>= 0\.6/);
});

test('a sample whose deliveries all arrived once and in order has no faults', () => {
  assert.deepEqual(faultsOf(SAMPLE), []);
});

test('each way of losing, doubling or reordering events is a fault', () => {
  const faulty = (end: Partial<Mark>) => faultsOf({ ...SAMPLE, end: { ...END, ...end } });
  assert.deepEqual(faulty({ doubled: 2 }), ['2 events came twice']);
  assert.deepEqual(faulty({ inverted: 2 }), ['2 events came out of order']);
  assert.deepEqual(faulty({ missing: 2 }), ['2 events were left out']);
  assert.deepEqual(faulty({ closed: 1, closeCode: 4410 }), ['1 connections were closed, the last with 4410']);
  assert.deepEqual(faulty({ frames: 4_999 }), ['4999 of 5000 deliveries arrived']);
  assert.deepEqual(faulty({ sampled: 0 }), ['no frame was looked into']);
});

test('gaps in the numbers are no fault where some events were for nobody, nor is what bytes without meaning hold', () => {
  assert.deepEqual(faultsOf({ ...SAMPLE, content: 'ordered', end: { ...END, missing: 5 } }), []);
  assert.deepEqual(faultsOf({ ...SAMPLE, content: 'none', end: { ...END, unreadable: 5 } }), []);
});

test('a paced step kept up when nothing piled up and nothing was sent late', () => {
  const published = { produced: 0, matched: 0, lateUs: 1_000, elapsedUs: 0, cpuUs: 0 };
  const step = { rate: 1_000, connections: 10, backlog: 500, published };
  assert.ok(keptUp(step));
  assert.ok(!keptUp({ ...step, backlog: 5_000 }));
  assert.ok(!keptUp({ ...step, published: { ...published, lateUs: 500_000 } }));
});
