import assert from 'node:assert/strict';
import type { MetricTable } from '../runtime/telemetry/metric-table.ts';
import { parseExposition } from './exposition.ts';

/** The exposition agrees exactly with the table: names, kinds and labels, each with a sample. */
export function assertMetrics(exposition: string, table: MetricTable): void {
  const exposed = parseExposition(exposition);
  assert.deepEqual([...exposed.keys()].toSorted(), Object.keys(table).toSorted());
  for (const [name, { kind, samples }] of exposed) {
    const wanted = table[name];
    assert.equal(kind, wanted?.kind, name);
    assert.ok(samples.length > 0, `${name} has no sample`);
    for (const { labels } of samples) {
      assert.deepEqual(Object.keys(labels).toSorted(), [...(wanted?.labels ?? [])].toSorted(), name);
    }
  }
}
