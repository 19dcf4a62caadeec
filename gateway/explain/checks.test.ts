import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CHECKS } from '../../protocol/explanation.ts';
import { REASONS, type Reason } from '../../protocol/explanation-reason.ts';
import type { Account } from '../directory/directory.ts';
import type { NotedGrant } from '../journal/entry.ts';
import type { SessionHistory } from '../journal/history.ts';
import { judge } from './checks.ts';
import type { FoundEvent, GroupLook, Look } from './look.ts';

const EPOCH = 'e';
const at = (id: string) => ({ epoch: EPOCH, ids: [id] });
const ROOT: Account = { id: 'root', name: 'root', realm: '', parent: null, enabled: true };
const NORTH: Account = { id: 'north', name: 'north', realm: '', parent: ROOT, enabled: true };
const OTHER: Account = { id: 'other', name: 'other', realm: '', parent: null, enabled: true };
const EVENT: FoundEvent = {
  id: 'event-1',
  name: 'CHANNEL_ANSWER',
  account: 'north',
  callId: 'call-1',
  place: { epoch: EPOCH, partition: 0, id: '50-0' },
  ingestedAt: null,
  poison: null,
};
const ALL: NotedGrant = { account: 'root', accounts: null, events: null };
const SESSION: SessionHistory = {
  session: 's',
  account: 'root',
  user: 'admin',
  tokens: ['t'],
  replica: 'r',
  contract: 'control',
  group: null,
  openedAt: 1,
  closed: { at: 2, code: 1000 },
  segments: [{ login: ALL, grant: ALL, from: at('10-0'), to: at('90-0') }],
  passed: [],
  confirmed: at('80-0'),
  behindMax: 0,
  isBehind: false,
  reached: at('90-0'),
};
const WORLD: Look = {
  search: { kind: 'found', event: EVENT },
  account: NORTH,
  isOffered: true,
  isTreeKnown: true,
  loginAccount: 'root',
  isUserEnabled: true,
  sessions: [{ history: SESSION, standing: null }],
  group: null,
};

const withEvent = (look: Look, more: Partial<FoundEvent>): Look =>
  look.search.kind === 'found'
    ? { ...look, search: { kind: 'found', event: { ...look.search.event, ...more } } }
    : look;
const withSession = (look: Look, change: (history: SessionHistory) => Partial<SessionHistory>): Look => ({
  ...look,
  sessions: look.sessions.map(({ history, standing }) => ({ standing, history: { ...history, ...change(history) } })),
});
const withSegment = (look: Look, more: Partial<SessionHistory['segments'][number]>): Look =>
  withSession(look, ({ segments }) => ({ segments: segments.map((segment) => ({ ...segment, ...more })) }));
const narrowed = (look: Look, of: 'login' | 'grant', more: Partial<NotedGrant>): Look =>
  withSession(look, ({ segments }) => ({
    segments: segments.map((segment) => ({ ...segment, [of]: { ...(segment[of] ?? ALL), ...more } })),
  }));

/** One input that differs, and the resulting cause: in the order of the checks. */
const FLIPS: readonly [what: string, flip: (look: Look) => Look, reason: Reason][] = [
  ['the log lacks it', (look) => ({ ...look, search: { kind: 'absent', oldestAt: 1 } }), 'unknown_event'],
  ['its entry is poison', (look) => withEvent(look, { poison: 'not_utf8' }), 'poison'],
  ['the directory lacks its account', (look) => ({ ...look, account: null }), 'unknown_account'],
  ['the resource does not offer it', (look) => ({ ...look, isOffered: false }), 'filtered_by_resource'],
  [
    'its account is elsewhere',
    (look) => (look.account === null ? look : { ...look, account: { ...OTHER, id: 'north' } }),
    'outside_of_login',
  ],
  [
    'the token names other accounts',
    (look) => narrowed(narrowed(look, 'login', { accounts: ['south'] }), 'grant', { accounts: ['south'] }),
    'account_not_granted',
  ],
  [
    'the token names other events',
    (look) => narrowed(narrowed(look, 'login', { events: ['DTMF'] }), 'grant', { events: ['DTMF'] }),
    'event_not_granted',
  ],
  ['the session began later', (look) => withSegment(look, { from: at('60-0') }), 'no_session_then'],
  ['the filter names other events', (look) => narrowed(look, 'grant', { events: ['DTMF'] }), 'filtered'],
  ['the filter names other accounts', (look) => narrowed(look, 'grant', { accounts: ['south'] }), 'filtered'],
  [
    'the session was taken to live',
    (look) =>
      withSession(look, ({ segments }) => ({
        segments: segments.flatMap((one) => [
          { ...one, to: at('40-0') },
          { ...one, from: at('60-0') },
        ]),
        passed: [{ reason: 'skipped_to_live', from: at('40-0'), to: at('60-0') }],
      })),
    'skipped_to_live',
  ],
];

describe('X2: the first false check is the only cause', () => {
  test('in a world where nothing is wrong the event was written, and every check says so', () => {
    const { verdict, reason, checks, outcomes } = judge(WORLD);
    assert.deepEqual([verdict, reason], ['written', null]);
    assert.deepEqual([outcomes[0]?.written, outcomes[0]?.confirmed], [true, true]);
    for (const { check, ok } of checks) assert.equal(ok, true, check);
  });

  for (const [what, flip, cause] of FLIPS) {
    test(`when ${what}, it was not written: ${cause}`, () => {
      const { verdict, reason, checks, outcomes } = judge(flip(WORLD));
      assert.deepEqual([verdict, reason], ['not_written', cause]);
      assert.equal(checks.find(({ ok }) => ok === false)?.reason, cause);
      assert.notEqual(outcomes[0]?.written, true);
    });
  }

  test('of two things that are wrong the one that is checked first is the cause', () => {
    for (const [index, [first, flip, cause]] of FLIPS.entries()) {
      for (const [second, another] of FLIPS.slice(index + 1)) {
        // A session that began after the event was never live before it.
        if (cause === 'no_session_then' && second === 'the session was taken to live') continue;
        assert.equal(judge(another(flip(WORLD))).reason, cause, `${first}, and ${second}`);
      }
    }
  });

  test('checks are made in the order of the contract, and each cause is in its table', () => {
    for (const look of [WORLD, ...FLIPS.map(([, flip]) => flip(WORLD)), { ...WORLD, sessions: [] }]) {
      const { checks, reason } = judge(look);
      const order = checks.map(({ check }) => CHECKS.indexOf(check));
      assert.deepEqual(
        order,
        order.toSorted((a, b) => a - b),
      );
      if (reason !== null) assert.ok(Object.hasOwn(REASONS, reason));
    }
  });
});

/** An unknown value is reported, and is not a cause. */
const UNKNOWN: readonly [what: string, look: Look][] = [
  ['the search gave up', { ...WORLD, search: { kind: 'gave_up', at: 1 } }],
  ['the account was moved since', { ...WORLD, isTreeKnown: false }],
  ['what is offered was changed since', { ...WORLD, isOffered: null }],
  ['the grant was too long for the journal', withSegment(WORLD, { login: null, grant: null })],
  ['the journal begins later than the session', withSession(WORLD, () => ({ openedAt: null, segments: [] }))],
  [
    'its replica was killed before it noted how far it came',
    withSession(withSegment(WORLD, { to: null }), () => ({ closed: null, reached: at('40-0') })),
  ],
  ['a member of a group got it or not', withSession(WORLD, () => ({ group: 'default', segments: [] }))],
];
for (const [what, look] of UNKNOWN) {
  test(`when ${what}, the verdict is unknown`, () => {
    const { verdict, reason, outcomes } = judge(look);
    assert.deepEqual([verdict, reason], ['unknown', null]);
    for (const { written } of outcomes) assert.equal(written, null);
  });
}

test('a session that is open has written what it has reached, and not what lies behind that', () => {
  const open = withSession(withSegment(WORLD, { to: null }), () => ({ closed: null, reached: at('10-0') }));
  const standing = (id: string, isExact: boolean): Look => ({
    ...open,
    sessions: open.sessions.map(({ history }) => ({ history, standing: { to: at(id), isExact } })),
  });
  assert.equal(judge(standing('50-0', true)).verdict, 'written');
  assert.deepEqual(judge(standing('49-0', true)).reason, 'not_written_yet');
  assert.deepEqual(judge(standing('49-0', false)).verdict, 'unknown');
});

test('without a session the user is judged as it is now, and the last close code is told', () => {
  const none: Look = { ...WORLD, sessions: [] };
  assert.equal(judge(none).reason, 'no_session_then');
  assert.equal(judge({ ...none, isUserEnabled: false }).reason, 'user_disabled');
  const ended = (code: number) =>
    withSession(withSegment(WORLD, { to: at('40-0') }), () => ({ closed: { at: 2, code } }));
  assert.equal(judge(ended(4503)).reason, 'revoked');
  const { reason, checks } = judge(ended(4401));
  assert.equal(reason, 'no_session_then');
  assert.match(checks.find(({ check }) => check === 'connected')?.detail ?? '', /ended with 4401/);
});

test('of several sessions the one that wrote it counts', () => {
  const late = { ...SESSION, session: 'late', segments: [{ login: ALL, grant: ALL, from: at('60-0'), to: null }] };
  const { verdict, outcomes } = judge({ ...WORLD, sessions: [...WORLD.sessions, { history: late, standing: null }] });
  assert.equal(verdict, 'written');
  assert.deepEqual(
    outcomes.map(({ written }) => written),
    [true, false],
  );
});

const GROUP: GroupLook = { group: 'default', isKept: true, owner: 'r', state: { kind: 'acknowledged' } };
const GROUPS: readonly [state: GroupLook, verdict: string, reason: Reason | null][] = [
  [GROUP, 'acknowledged', null],
  [{ ...GROUP, state: { kind: 'pending', attempts: 2 } }, 'pending', 'not_acknowledged_yet'],
  [{ ...GROUP, state: { kind: 'not_read' }, owner: null }, 'pending', 'not_read_yet'],
  [
    { ...GROUP, state: { kind: 'dead_letter', id: 'a:0:1-1', attempts: 5, error: 'no', why: 'max_deliver' } },
    'dead_letter',
    'dead_letter',
  ],
  [{ ...GROUP, isKept: false }, 'not_written', 'not_kept_by_group'],
];
for (const [group, verdict, reason] of GROUPS) {
  test(`in a group: ${verdict}, ${reason ?? 'no cause'}`, () => {
    const judged = judge({ ...WORLD, group, sessions: [] });
    assert.deepEqual([judged.verdict, judged.reason], [verdict, reason]);
  });
}
