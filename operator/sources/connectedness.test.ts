import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointStatus } from '../../protocol/source-spec/status.ts';
import { sourceSpecSchema } from '../../protocol/source.ts';
import { FREESWITCH_SPEC, KAZOO_SPEC } from '../testing/sources.ts';
import {
  blocksReady,
  boundFinding,
  connectedFinding,
  connectedText,
  endpointStatuses,
  lacks,
} from './connectedness.ts';
import type { EndpointReport } from './read-reports.ts';

const SPEC = sourceSpecSchema.parse(FREESWITCH_SPEC);
const KAZOO = sourceSpecSchema.parse(KAZOO_SPEC);
const AT = Date.parse('2026-01-02T03:04:05Z');

const report = (replica: string, endpoint: string, more: Partial<EndpointReport> = {}): EndpointReport => ({
  replica,
  endpoint,
  state: 'Live',
  since: AT,
  reason: '',
  instance: 'core-1',
  heard: null,
  leading: false,
  bound: null,
  at: AT,
  ...more,
});
const facts = (...reports: EndpointReport[]) => ({ reports, gaps: [], partitions: 4 });
const statuses = (reports: EndpointReport[], before: readonly EndpointStatus[] = []) =>
  endpointStatuses(SPEC, facts(...reports), before);

test('the best replica speaks for an endpoint: live before not, the leader before others', () => {
  const waiting = report('a', 'fs1', { state: 'Waiting', reason: 'Unreachable', instance: '' });
  const leader = report('c', 'fs1', { leading: true, since: AT + 9_000, instance: 'core-2' });
  const [fs1] = statuses([waiting, report('b', 'fs1'), leader]);
  assert.deepEqual(fs1, { name: 'fs1', state: 'Live', instance: 'core-2', since: '2026-01-02T03:04:14Z' });
});

test('a connection that is tried again and again is one state, with the last reason', () => {
  const tries = [
    report('a', 'fs1', { state: 'Waiting', reason: 'Unreachable', instance: '' }),
    report('a', 'fs1', { state: 'Connecting', since: AT + 1_000, instance: '' }),
    report('a', 'fs1', { state: 'Listing', since: AT + 2_000 }),
    report('a', 'fs1', { state: 'Waiting', reason: 'Unreachable', since: AT + 3_000, instance: '' }),
  ];
  let before: readonly EndpointStatus[] = [];
  const seen = new Set<string>();
  for (const one of tries) {
    before = statuses([one], before);
    seen.add(JSON.stringify(before[0]));
  }
  assert.deepEqual(
    [...seen].map((text) => JSON.parse(text) as object),
    [{ name: 'fs1', state: 'Waiting', since: '2026-01-02T03:04:05Z', reason: 'Unreachable' }],
  );
});

test('the last known states stay while Redis cannot be asked; nothing is known before', () => {
  const before = statuses([report('a', 'fs1')]);
  assert.deepEqual(endpointStatuses(SPEC, null, before), before);
  assert.equal(connectedFinding(endpointStatuses(SPEC, null, [])).status, 'Unknown');
});

test('one switch that is away is a degradation; all of them, or a fault that stays, is not Ready', () => {
  const away = (reason: string) => report('a', 'fs2', { state: 'Waiting', reason, instance: '' });
  const one = statuses([report('a', 'fs1'), away('Unreachable')]);
  assert.deepEqual([connectedText(one), blocksReady(one), lacks(one)?.reason], ['1/2', false, 'Unreachable']);
  const refused = statuses([report('a', 'fs1'), away('Credentials')]);
  assert.deepEqual([blocksReady(refused), connectedFinding(refused).reason], [true, 'Credentials']);
  const none = statuses([away('Unreachable')]);
  assert.deepEqual([connectedText(none), blocksReady(none), lacks(none)], ['0/2', true, null]);
});

test('a live connection that lacks something is a degradation', () => {
  const both = statuses([report('a', 'fs1', { reason: 'TimestampsOff' }), report('a', 'fs2')]);
  assert.deepEqual([blocksReady(both), connectedFinding(both).status], [false, 'True']);
  assert.deepEqual(lacks(both), { status: 'True', reason: 'TimestampsOff', message: 'fs1: TimestampsOff' });
});

test('bindings are a condition of Kazoo alone', () => {
  assert.equal(boundFinding(SPEC, facts(report('a', 'fs1'))), null);
  const of = (bound: boolean) => boundFinding(KAZOO, facts(report('a', 'broker', { bound })))?.status;
  assert.deepEqual([of(true), of(false), boundFinding(KAZOO, facts())?.status], ['True', 'False', 'Unknown']);
});
