import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SOURCE_GAP_REASONS, type SourceGap } from '../../protocol/source-gap.ts';
import type { SourceReport } from '../../protocol/source-report.ts';
import type { SourceLook } from '../../gateway/administration/read-sources.ts';
import { judgeSource, judgeSourceMetrics } from './judge-source.ts';
import { readSourceFlags } from './source-flags.ts';

const NOW = Date.parse('2026-01-31T10:00:00Z');
const LIVE: SourceReport = {
  state: 'Live',
  since: NOW - 60_000,
  reason: '',
  instance: 'i',
  heard: { from: NOW - 60_000, to: NOW },
  leading: false,
  bound: null,
  at: NOW - 1_000,
};
const GAP: SourceGap = {
  source: 'voice/pbx',
  endpoint: 'fs1',
  reason: 'connection_lost',
  from: NOW - 120_000,
  to: NOW - 59_000,
  legs_ended: 3,
  legs_begun: 0,
};

/** Two replicas; the first one leads. */
function look(first: Partial<SourceReport>, second: Partial<SourceReport> | null = {}, more: Partial<SourceLook> = {}) {
  const reports = [
    { replica: 'a', endpoint: 'fs1', report: { ...LIVE, leading: true, ...first } },
    ...(second === null ? [] : [{ replica: 'b', endpoint: 'fs1', report: { ...LIVE, ...second } }]),
  ];
  return { name: 'voice/pbx', reports, told: [], untold: [], ...more };
}

/** `status check: seen`, and every finding that is not ok has a fix. */
function judged(of: SourceLook): string[] {
  const findings = judgeSource(of, NOW);
  for (const { status, fix } of findings) assert.equal(fix === null, status === 'ok');
  return findings.map(({ status, check, seen }) => `${status} ${check}: ${seen}`);
}

const fixOf = (of: SourceLook, check = 'source.switch') =>
  judgeSource(of, NOW).find((finding) => finding.check === check)?.fix ?? '';

describe('a source', () => {
  it('that listens on all replicas is well', () => {
    assert.deepEqual(judged(look({})), [
      'ok source: 2 replicas report on 1 switches',
      'ok source.switch: 2 of 2 replicas listen, a publishes',
    ]);
  });

  it('that nobody runs, or that has another name, is said to be away', () => {
    assert.deepEqual(judged(look({}, null, { reports: [] })), ['fail source: no replica reports here']);
    const old = { at: NOW - 7_200_000 };
    assert.deepEqual(judged(look(old, old)), ['fail source: no replica has reported for 2 hours']);
    assert.deepEqual(judged(look({}, old))[0], 'warn source: one replica alone reports');
  });

  it('that no replica can connect with is told the reason, and what to do about each reason', () => {
    const away = { state: 'Waiting', leading: false, since: NOW - 5_000 } as const;
    assert.deepEqual(
      judged(look({ ...away, reason: 'Credentials' }, away))[1],
      ['fail source.switch: nobody listens: Credentials since 2026-01-31T09:59:55.000Z'][0],
    );
    const fixes = [
      'Unreachable',
      'Silent',
      'Credentials',
      'AccessRefused',
      'TLS',
      'Protocol',
      'Replaced',
      'Disconnected',
    ]
      .concat('QueueArguments', 'NoExchange', 'NoAnswer', 'AckTimeout')
      .map((reason) => fixOf(look({ ...away, reason }, away)));
    assert.equal(new Set(fixes).size, fixes.length);
    assert.equal(fixOf(look({ ...away, reason: 'OfALaterVersion' }, away)), 'read the log of the source');
    assert.match(judged(look({ ...away, state: 'Connecting' }, away))[1] ?? '', /nobody listens: Connecting since/);
  });

  it('of which one replica hears nothing is warned of', () => {
    const [, found] = judged(look({}, { state: 'Waiting', reason: 'Unreachable' }));
    assert.equal(found, 'warn source.switch: 1 of 2 replicas listen; not b: Unreachable');
  });

  it('that listens and does not publish is a fault', () => {
    const [, found] = judged(look({ leading: false }));
    assert.equal(found, 'fail source.switch: 2 of 2 replicas listen, and none publishes');
  });

  it('whose switch gives no times, or whose bindings are not all there, is warned of', () => {
    const degraded = look({ reason: 'TimestampsOff' });
    assert.equal(judged(degraded)[1], 'warn source.switch: 2 of 2 replicas listen, with a fault: TimestampsOff');
    assert.match(fixOf(degraded), /timestampevents = yes/);
    const unbound = look({ bound: false }, { bound: false });
    assert.equal(judged(unbound)[1], 'warn source.switch: 2 of 2 replicas listen; not all bindings stand');
    assert.match(fixOf(unbound), /Kazoo/);
  });

  it('with a gap in the last hour, or one that is not in the log, is warned of, with a remedy for each reason', () => {
    assert.equal(
      judged(look({}, {}, { told: [GAP] }))[2],
      'warn source.gap: in the last hour nobody listened for 61 s, until 2026-01-31T09:59:01.000Z (connection_lost); 3 legs ended',
    );
    assert.equal(judged(look({}, {}, { told: [{ ...GAP, to: NOW - 3_700_000 }] })).length, 2);
    const [, , untold] = judged(look({}, {}, { untold: [GAP] }));
    assert.equal(
      untold,
      'warn source.gap: a gap since 2026-01-31T09:58:00.000Z (connection_lost) is not in the log yet',
    );
    for (const reason of SOURCE_GAP_REASONS) {
      assert.ok(fixOf(look({}, {}, { told: [{ ...GAP, reason }] }), 'source.gap').length > 20, reason);
    }
  });

  it('tells by its metrics what has no account, and how full it is', () => {
    const metrics = (unattributed: number, backlog: number) => `# HELP firehose_source_backlog_events Events
firehose_ingest_events_total{source="freeswitch",outcome="accepted",reason=""} 900
firehose_ingest_events_total{source="freeswitch",outcome="duplicate",reason=""} 5000
firehose_source_unattributed_total{source="voice/pbx",switch="fs1"} ${unattributed}
firehose_source_backlog_events{source="voice/pbx",switch="fs1"} ${backlog}
firehose_source_backlog_limit_events{source="voice/pbx",switch="fs1"} 200000
`;
    const of = (text: string) => judgeSourceMetrics('http://a', text).map(({ status, seen }) => `${status}: ${seen}`);
    assert.deepEqual(of(metrics(9, 7)), [
      'ok: 9 of 900 events had no account',
      'ok: 7 of 200000 events that it can hold wait for the log',
    ]);
    assert.deepEqual(of(metrics(10, 100_001)), [
      'warn: 10 of 900 events had no account',
      'fail: 100001 of 200000 events that it can hold wait for the log',
    ]);
    assert.deepEqual(
      judgeSourceMetrics('http://a', 'nothing').map(({ status }) => status),
      ['ok', 'ok'],
    );
  });
});

describe('the flags that name sources', () => {
  it('take names with their namespace, and an address with its port', () => {
    assert.deepEqual(readSourceFlags({}), { names: [], origin: null });
    assert.deepEqual(readSourceFlags({ source: 'voice/pbx, voice/bus', sourceAddress: 'pbx:9090' }), {
      names: ['voice/pbx', 'voice/bus'],
      origin: 'http://pbx:9090',
    });
    assert.deepEqual(readSourceFlags({ sourceAddress: '[::1]:9090' }), { names: [], origin: 'http://[::1]:9090' });
  });

  it('refuse the rest with a word about what is wrong', () => {
    for (const source of ['pbx', 'voice/', '/pbx', 'voice/pbx/x', 'voice/p}x', '', 'voice/pbx,,']) {
      assert.match(JSON.stringify(readSourceFlags({ source })), /<namespace>\/<name>/, source);
    }
    for (const sourceAddress of ['pbx', '::1:9090', '[::1]', '[pbx]:9090', 'pbx:0x1', 'pbx:70000', 'http://pbx:9090']) {
      assert.match(JSON.stringify(readSourceFlags({ sourceAddress })), /in brackets/, sourceAddress);
    }
  });
});
