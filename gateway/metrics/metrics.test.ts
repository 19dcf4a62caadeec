import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createCounters } from '../fanout/counters.ts';
import { createGroupCounters } from '../group/counters.ts';
import { createMetrics } from './metrics.ts';

test('every metric is exposed under its documented name, with bounded labels', async () => {
  await using metrics = createMetrics();
  const counters = createCounters();
  counters.eventsRead[1] = 7;
  counters.written(3, 300);
  const groups = {
    counters: { ...createGroupCounters(), redelivered: 4, deadLettered: 2 },
    status: () => [{ group: 'default', connections: 3, partitions: [0, 2], pending: 17 }],
  };
  const connections = () => ({ plain: 5, control: 2, durable: 3 });
  metrics.observe({ counters, connections, groups, behind: () => 1, isLogReachable: () => true });
  metrics.loginFinished('granted', 0.03);
  metrics.handshake(101);
  for (let code = 3000; code < 4999; code += 1) metrics.sessionClosed(code);
  metrics.batchRead(12);
  metrics.delivered(0.004);
  metrics.ingested('http', 'accepted', 9);
  metrics.gap('epoch_lost');
  metrics.redisError('UNREACHABLE');
  const text = await scrape(metrics);
  for (const line of [
    'firehose_connections{contract="plain"} 5',
    'firehose_connections{contract="durable"} 3',
    'firehose_group_redeliveries_total 4',
    'firehose_group_dead_letters_total 2',
    'firehose_group_acknowledged_total 0',
    'firehose_group_pending{group="default"} 17',
    'firehose_group_partitions{group="default"} 2',
    'firehose_behind_connections 1',
    'firehose_redis_client_state{role="log"} 1',
    'firehose_logins_total{outcome="granted"} 1',
    'firehose_login_duration_seconds_count 1',
    'firehose_handshakes_total{status="101"} 1',
    'firehose_sessions_closed_total{code="4401"} 1',
    'firehose_events_read_total{partition="1"} 7',
    'firehose_events_unroutable_total{outcome="unknown_account"} 0',
    'firehose_read_batch_events_bucket{le="16"} 1',
    'firehose_deliveries_total 3',
    'firehose_delivered_bytes_total 300',
    'firehose_writes_total 1',
    'firehose_delivery_latency_seconds_bucket{le="0.005"} 1',
    'firehose_ingest_events_total{source="http",outcome="accepted"} 9',
    'firehose_gaps_total{reason="epoch_lost"} 1',
    'firehose_redis_errors_total{role="log",code="UNREACHABLE"} 1',
  ]) {
    assert.ok(text.includes(`\n${line}\n`), `${line} is not in\n${text}`);
  }
  assert.match(text, /\nfirehose_process_resident_memory_bytes \d+/);
  if (process.platform === 'linux') assert.match(text, /\nfirehose_process_open_descriptors [1-9]/);
  assert.match(text, /\nfirehose_event_loop_delay_seconds /);
  assert.ok(text.split('firehose_sessions_closed_total{').length < 10, 'codes that peers make up are one label');
});

async function scrape(metrics: ReturnType<typeof createMetrics>): Promise<string> {
  const server = createServer((request, response) => metrics.scrape(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`)).text();
  } finally {
    server.close();
  }
}
