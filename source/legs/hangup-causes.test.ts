import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asteriskHangupCause } from './hangup-causes.ts';
import { byLeg, mapAll, recordings } from '../testing/recordings.ts';
import type { SwitchEvent } from '../mapper.ts';

test('an Asterisk leg ends for the reason of mapping.md', () => {
  const cases: readonly (readonly [cause: number, answered: boolean, dialStatus: string, name: string])[] = [
    [16, true, 'ANSWER', 'NORMAL_CLEARING'],
    [0, true, 'ANSWER', 'NORMAL_CLEARING'],
    [17, false, 'BUSY', 'USER_BUSY'],
    [21, false, 'NOANSWER', 'CALL_REJECTED'],
    [16, false, 'NOANSWER', 'NO_ANSWER'],
    [0, false, 'NOANSWER', 'NO_ANSWER'],
    [127, false, 'CANCEL', 'ORIGINATOR_CANCEL'],
    [26, false, 'CANCEL', 'LOSE_RACE'],
    [34, false, 'CONGESTION', 'NORMAL_CIRCUIT_CONGESTION'],
    [42, false, 'CONGESTION', 'SWITCH_CONGESTION'],
    [3, false, 'CHANUNAVAIL', 'NO_ROUTE_DESTINATION'],
    [20, false, 'CHANUNAVAIL', 'SUBSCRIBER_ABSENT'],
    [127, false, '', 'INTERWORKING'],
    [99, true, '', 'IE_NONEXIST'],
    [5, true, '', 'Q850_5'],
    [0, false, '', 'NORMAL_UNSPECIFIED'],
  ];
  for (const [cause, answered, dialStatus, name] of cases) {
    assert.equal(asteriskHangupCause({ cause, answered, dialStatus }), name, `${cause} ${answered} ${dialStatus}`);
  }
});

const OUTCOMES: Readonly<Record<string, string>> = {
  answered_caller_hangs_up: 'NORMAL_CLEARING',
  answered_callee_hangs_up: 'NORMAL_CLEARING',
  rejected_busy: 'USER_BUSY',
  rejected_decline: 'CALL_REJECTED',
  no_answer: 'NO_ANSWER',
  caller_cancels: 'ORIGINATOR_CANCEL',
};

test('both legs of a call end for the same reason on every switch', () => {
  for (const { name, mapper, events } of recordings()) {
    const outcome = OUTCOMES[name.slice(name.lastIndexOf('/') + 1)];
    if (outcome === undefined) continue;
    for (const leg of byLeg(mapAll(mapper(), events)).values()) {
      assert.equal((JSON.parse(leg.at(-1)?.json ?? '{}') as SwitchEvent)['Hangup-Cause'], outcome, name);
    }
  }
});
