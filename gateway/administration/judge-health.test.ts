import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heartbeatSchema } from '../../protocol/heartbeat.ts';
import { judgeHealth, type HealthLook } from './judge-health.ts';

const NOW = 1_763_979_370_000;
const FINE: HealthLook = {
  checks: { log: { ok: true, detail: 'reached' } },
  connections: 3,
  behind: 0,
  replicas: null,
  groups: [],
  backlog: new Map(),
  webhooks: [],
  sinks: [],
};
const beat = (more: object) => heartbeatSchema.parse({ keys: [], connections: 1, groups: {}, ...more });
const webhook = {
  group: 'crm',
  state: 'sending',
  held_back: null,
  off: null,
  failing_since: null,
  failing_cause: null,
} as const;

/** A group with events that wait, and its connections as a replica tells them. */
const waiting = (groups: Readonly<Record<string, number>>): Partial<HealthLook> => ({
  groups: ['g'],
  backlog: new Map([['g', { accounts: 1, lag: 3, pending: 0, oldestPendingAt: null, deadLetters: 0 }]]),
  replicas: [{ replica: 'a', heartbeat: beat({ groups }) }],
});

const CASES: readonly [what: string, more: Partial<HealthLook>, check: string, status: string][] = [
  ['a replica that is ready', {}, 'ready.log', 'ok'],
  ['a log out of reach', { checks: { log: { ok: false, detail: 'out of reach' } } }, 'ready.log', 'fail'],
  ['an unknown check that fails', { checks: { x: { ok: false, detail: 'no' } } }, 'ready.x', 'fail'],
  ['connections that are behind', { behind: 1 }, 'connections', 'warn'],
  ['another replica', { replicas: [{ replica: 'a', heartbeat: beat({}) }] }, 'replica', 'ok'],
  ['a replica that leaves', { replicas: [{ replica: 'a', heartbeat: beat({ leaving: true }) }] }, 'replica', 'ok'],
  ['hung connections', { replicas: [{ replica: 'a', heartbeat: beat({ hung: { 'g/a': 1 } }) }] }, 'replica', 'warn'],
  [
    'an old directory',
    { replicas: [{ replica: 'a', heartbeat: beat({ directory: { confirmedAt: 1, fault: 'directory_away' } }) }] },
    'replica',
    'warn',
  ],
  [
    'a group that nobody used',
    {
      groups: ['g'],
      backlog: new Map([['g', { accounts: 0, lag: null, pending: 0, oldestPendingAt: null, deadLetters: 0 }]]),
    },
    'group',
    'ok',
  ],
  ['a group without a known backlog', { groups: ['g'] }, 'group', 'ok'],
  [
    'a group that works',
    {
      groups: ['g'],
      backlog: new Map([['g', { accounts: 1, lag: 3, pending: 0, oldestPendingAt: NOW - 1_000, deadLetters: 0 }]]),
    },
    'group',
    'ok',
  ],
  [
    'a group that is stuck',
    {
      groups: ['g'],
      backlog: new Map([['g', { accounts: 1, lag: 3, pending: 0, oldestPendingAt: NOW - 3_600_000, deadLetters: 0 }]]),
    },
    'group',
    'warn',
  ],
  ['a group whose events nobody consumes', waiting({}), 'group', 'warn'],
  ['a group whose events a connection consumes', waiting({ 'g/a': 1 }), 'group', 'ok'],
  ['a group whose events a webhook sends', { ...waiting({}), webhooks: [{ ...webhook, group: 'g' }] }, 'group', 'ok'],
  ['a webhook', { webhooks: [webhook] }, 'webhook', 'ok'],
  [
    'a webhook whose receiver fails',
    { webhooks: [{ ...webhook, failing_since: '2026-01-01T00:00:00Z' }] },
    'webhook',
    'warn',
  ],
  [
    'a webhook that is off',
    { webhooks: [{ ...webhook, off: { reason: 'gone', since: '2026-01-01T00:00:00Z' } }] },
    'webhook',
    'fail',
  ],
  ['a sink', { sinks: [webhook] }, 'sink', 'ok'],
  [
    'a sink that fails',
    { sinks: [{ ...webhook, failing_since: '2026-01-01T00:00:00Z', failing_cause: 'NO_STREAM' }] },
    'sink',
    'warn',
  ],
  ['a sink without credentials', { sinks: [{ ...webhook, held_back: 'no_secret' }] }, 'sink', 'fail'],
];

for (const [what, more, check, status] of CASES) {
  test(`health: ${what} is ${status}, and what is wrong has a fix`, () => {
    const findings = judgeHealth({ ...FINE, ...more }, NOW);
    assert.equal(findings.find((one) => one.check === check)?.status, status);
    for (const finding of findings) assert.equal(finding.fix === null, finding.status === 'ok', finding.check);
  });
}
