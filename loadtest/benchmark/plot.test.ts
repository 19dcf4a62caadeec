import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawPlot } from './plot.ts';

const plot = (points: { x: number; y: number }[]) =>
  drawPlot({ title: 'cost < 1 & more', x: 'connections', y: 'us', lines: [{ name: 'gateway', points }] });

test('a plot is one line through its points, by powers of ten across and from 0 upwards', () => {
  const svg = plot([
    { x: 10_000, y: 0.5 },
    { x: 100, y: 1 },
    { x: 1_000, y: 0.5 },
  ]);
  assert.match(svg, /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
  const path = /points="([^"]+)"/
    .exec(svg)?.[1]
    ?.split(' ')
    .map((pair) => pair.split(',').map(Number));
  assert.equal(path?.length, 3);
  const [first = [], second = [], third = []] = path ?? [];
  assert.deepEqual([first[0], third[0]], [64, 616], 'from the first power to the last');
  assert.equal(second[0], (64 + 616) / 2, 'a power of ten is a step of the same width');
  assert.equal(first[1], 40, 'the greatest reaches the top');
  assert.equal(second[1], (40 + 312) / 2, 'half of it is half way up');
  assert.match(svg, />cost &lt; 1 &amp; more</);
  assert.match(svg, />10k</);
});

test('a single point, and nothing but zeros, can be drawn', () => {
  for (const points of [[{ x: 1, y: 0.2 }], [{ x: 10, y: 0 }]]) {
    assert.doesNotMatch(plot(points), /NaN|Infinity/);
  }
});
