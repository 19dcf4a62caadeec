import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { SOURCE_GAP } from '../../protocol/source-gap.ts';
import { assertMetrics } from '../../testing/assert-metrics.ts';
import { parseExposition } from '../../testing/exposition.ts';
import { SOURCE_METRICS } from './metric-table.ts';
import { createSourceMetrics, type SourceMetrics } from './metrics.ts';
import type { SwitchFigures } from './switch-metrics.ts';

const FIGURES: SwitchFigures = {
  endpoint: 'fs1',
  isLive: true,
  isLeading: false,
  kept: 40,
  backlog: 7,
  backlogLimit: 200_000,
  liveLegs: 12,
};

async function scrape(metrics: SourceMetrics): Promise<string> {
  const server = createServer((request, response) => metrics.scrape(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const text = await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)).text();
  server.close();
  return text;
}

test('every metric of the table is exposed once a switch is configured and something happened, and no other', async () => {
  await using metrics = createSourceMetrics();
  metrics.redisClient('append', () => true);
  metrics.redisError('append', 'UNREACHABLE');
  metrics.observeSwitches('voice/pbx', () => ({ ringBytes: 4_096, switches: [FIGURES] }));
  const switches = metrics.switchesOf('voice/pbx', 'freeswitch');
  switches.connectEnded('fs1', 'Credentials');
  switches.eventRead('fs1', 'forwarded', '');
  switches.eventRead('fs1', 'dropped', 'not_mapped');
  const event = { name: 'CHANNEL_ANSWER', account: 'acme', synthetic: null } as const;
  switches.eventAppended('fs1', event, 'accepted', 20);
  switches.eventAppended('fs1', { ...event, account: '' }, 'accepted', -5);
  switches.eventAppended('fs1', { ...event, account: '' }, 'duplicate', 20);
  switches.eventAppended('fs1', { ...event, name: 'CHANNEL_DESTROY', synthetic: 'missed' }, 'accepted', 60_000);
  switches.eventAppended('fs1', { name: SOURCE_GAP, account: '', synthetic: null }, 'accepted', 0);
  switches.gapTold('fs1', { reason: 'connection_lost', from: 1_000, to: 61_500 });
  switches.resynced('fs1', 30);
  switches.overflowed('fs1', 3);
  const text = await scrape(metrics);
  assertMetrics(text, SOURCE_METRICS);
  const value = (name: string, labels: Record<string, string> = {}) =>
    parseExposition(text)
      .get(name)
      ?.samples.find((sample) => Object.entries(labels).every(([key, one]) => sample.labels[key] === one))?.value;
  assert.equal(value('firehose_source_up', { source: 'voice/pbx', switch: 'fs1' }), 1);
  assert.equal(value('firehose_source_leading'), 0);
  assert.equal(value('firehose_source_backlog_events'), 7);
  assert.equal(value('firehose_ingest_events_total', { source: 'freeswitch', outcome: 'accepted' }), 4);
  assert.equal(value('firehose_source_unattributed_total'), 1);
  assert.equal(value('firehose_source_synthetic_total', { name: 'CHANNEL_DESTROY' }), 1);
  assert.equal(value('firehose_source_gap_seconds_total', { reason: 'connection_lost' }), 60.5);
  assert.equal(value('firehose_source_overflowed_total'), 3);
});

test('what alerts look for is 0 before anything happened, for an endpoint that is added later too', async () => {
  await using metrics = createSourceMetrics();
  const endpoints = ['fs1'];
  metrics.observeSwitches('voice/pbx', () => ({
    ringBytes: 0,
    switches: endpoints.map((endpoint) => ({ ...FIGURES, endpoint })),
  }));
  await scrape(metrics);
  endpoints.push('fs2');
  await scrape(metrics);
  const exposed = parseExposition(await scrape(metrics));
  for (const name of ['firehose_source_gaps_total', 'firehose_source_unattributed_total']) {
    for (const endpoint of endpoints) {
      const samples = exposed.get(name)?.samples.filter(({ labels }) => labels['switch'] === endpoint) ?? [];
      assert.ok(samples.length > 0 && samples.every(({ value }) => value === 0), `${name} ${endpoint}`);
    }
  }
});
