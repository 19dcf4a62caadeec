import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { growthTables, keepResults } from './results.ts';

const GROWN = {
  title: 'Cost against connections',
  x: 'connections',
  y: 'us',
  lines: [
    {
      name: 'fan-out',
      values: [
        { x: 100, y: 0.4123 },
        { x: 1_000, y: Number.NaN },
      ],
    },
    {
      name: 'gateway',
      values: [
        { x: 100, y: 0.5 },
        { x: 1_000, y: 0.6 },
      ],
    },
  ],
};

test('a curve is a table, in which a size without a figure says so', () => {
  assert.equal(
    growthTables([GROWN]),
    [
      'Cost against connections (us)',
      '',
      'connections  fan-out  gateway',
      '-----------  -------  -------',
      '100            0.412      0.5',
      '1,000           none      0.6',
    ].join('\n'),
  );
});

test('results are kept with a picture for each curve that has figures', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-results-'));
  try {
    const none = { ...GROWN, title: 'Nothing', lines: [{ name: 'x', values: [{ x: 1, y: Number.NaN }] }] };
    const parts = { date: '2026-01-31', machine: 'm', ratios: 'r', verdict: 'v', samples: 's', fleet: 'f' };
    await keepResults(folder, { ...parts, curves: [GROWN, none] });
    assert.deepEqual((await readdir(folder)).toSorted(), ['README.md', 'cost-against-connections.svg']);
    const text = await readFile(join(folder, 'README.md'), 'utf8');
    assert.match(text, /on 2026-01-31/);
    assert.match(text, /!\[Cost against connections\]\(cost-against-connections.svg\)/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
