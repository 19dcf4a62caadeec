import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { until } from '../../../testing/until.ts';
import { createAccountRules } from '../../legs/account-rules.ts';
import type { MappedEvent } from '../../mapper.ts';
import type { SwitchConnection } from '../../switch.ts';
import { byLeg } from '../../testing/recordings.ts';
import { assertAlternation, assertBridgesEnd, assertWholeLegs } from '../../testing/whole-legs.ts';
import type { SipAgent } from '../testing/sip-agent.ts';
import { hear, setStage, stateOf, type AsteriskInterface, type Heard, type Stage } from '../testing/stage.ts';

/** Calls on a real Asterisk, through both interfaces at the same time. */
const KINDS = ['AMI', 'ARI'] as const satisfies readonly AsteriskInterface[];

let stage: Stage;
let phones: Record<'alice' | 'bob' | 'carol' | 'dave' | 'erin' | 'trunk', SipAgent>;
const heard: Record<AsteriskInterface, Heard> = {
  AMI: hear('AMI', rules()),
  ARI: hear('ARI', rules()),
};
const connections: SwitchConnection[] = [];

function rules() {
  return { accounts: createAccountRules([{ match: { context: 'trunk', did: '+1555*' }, account: 'acme' }]) };
}

before(async () => {
  stage = await setStage();
  for (const kind of KINDS) connections.push(await stage.open(kind, heard[kind]));
  phones = {
    alice: await stage.phone('1001'),
    bob: await stage.phone('1002'),
    carol: await stage.phone('1003'),
    dave: await stage.phone('2001'),
    erin: await stage.phone('2002'),
    trunk: await stage.phone('trunk'),
  };
});

after(async () => {
  for (const connection of connections) await connection[Symbol.asyncDispose]();
  await stage[Symbol.asyncDispose]();
});

// State of one test must not affect the next.
afterEach(async () => {
  for (const phone of Object.values(phones)) phone.hangUp();
  for (const { mapper, mapped, dropped } of Object.values(heard)) {
    await until('no leg is left', () => mapper.liveLegs().length === 0);
    mapped.length = 0;
    dropped.length = 0;
  }
});

/** Threads of Asterisk send these events of one transfer in any order. */
const ORDERLESS = /(?:\b(?:TRANSFEREE|UNBRIDGE) )+/g;

/** The names of each leg's events without parking, in the order in which the legs began. */
function shown(events: readonly MappedEvent[]): string[] {
  return [...byLeg(events).values()].map((leg) => {
    const names = leg.map(({ name }) => name.replace('CHANNEL_', '')).filter((name) => !name.startsWith('PARK_'));
    return names.join(' ').replaceAll(ORDERLESS, (run) => `${run.trim().split(' ').toSorted().join(' ')} `);
  });
}

/** Asterisk's bridge thread and parking thread each send in order. */
const parking = (events: readonly MappedEvent[]) =>
  events.map(({ name }) => name).filter((name) => name.startsWith('PARK_'));

const fieldOf = (event: MappedEvent | undefined, field: string): unknown =>
  (JSON.parse(event?.json ?? '{}') as Record<string, unknown>)[field];

const causes = (events: readonly MappedEvent[]) =>
  events.filter(({ name }) => name === 'CHANNEL_DESTROY').map((event) => fieldOf(event, 'Hangup-Cause'));

const WRONG: ReadonlySet<string> = new Set(['malformed', 'after_destroy']);

/** What both interfaces reported of these calls, once every leg has ended. S3 holds for it. */
async function told(what: string): Promise<Record<AsteriskInterface, readonly MappedEvent[]>> {
  for (const kind of KINDS) {
    const { mapper, mapped } = heard[kind];
    const hasEnded = () => mapped.length > 0 && mapper.liveLegs().length === 0;
    await until(`every leg of ${what} has ended (${kind})`, hasEnded);
  }
  const take = (kind: AsteriskInterface) => {
    const { mapped, wrong, dropped } = heard[kind];
    const events = mapped.splice(0);
    assertWholeLegs(events, [], `${what}, ${kind}`);
    assertAlternation(events, `${what}, ${kind}`);
    assertBridgesEnd(events, `${what}, ${kind}`);
    assert.deepEqual(wrong, []);
    assert.deepEqual(
      dropped
        .splice(0)
        .filter(({ reason, what }) => WRONG.has(reason) && what !== 'ParkedCallGiveUp')
        .map(({ what }) => what),
      [],
    );
    assert.deepEqual(
      events.filter(({ synthetic, name }) => synthetic !== null && !/^(RECORD_STOP|PARK_ABANDONED)$/.test(name)),
      [],
      'Asterisk told all of it',
    );
    assert.equal(new Set(events.map(({ eventId }) => eventId)).size, events.length);
    return events;
  };
  return { AMI: take('AMI'), ARI: take('ARI') };
}

/** Both interfaces have reported this many of these events since the test began. */
async function heardOf(name: string, times: number, kinds: readonly AsteriskInterface[] = KINDS) {
  for (const kind of kinds) {
    const seen = () => heard[kind].mapped.filter((event) => event.name === name).length;
    await until(`${kind} has told ${times} ${name}`, seen, { holds: (count) => count === times });
  }
}

/** Both interfaces report the same. */
function assertLegs(events: Record<AsteriskInterface, readonly MappedEvent[]>, legs: readonly string[]) {
  for (const kind of KINDS) assert.deepEqual(shown(events[kind]), legs, kind);
}

/** Both are in a bridge: Asterisk refuses to transfer a call outside of a bridge. */
async function answeredCall(from: SipAgent, number: string, by: SipAgent) {
  const bridges = heard.AMI.mapped.filter(({ name }) => name === 'CHANNEL_BRIDGE').length;
  const call = from.call(number);
  const leg = await by.called();
  leg.ring();
  await stateOf(call, 'ringing');
  leg.answer();
  await stateOf(call, 'up');
  await heardOf('CHANNEL_BRIDGE', bridges + 1);
  return { call, leg };
}

describe('S3: each leg has one CREATE first and one DESTROY last, and', () => {
  test('an answered call is held and taken back, has a digit, and ends', async () => {
    const { call, leg } = await answeredCall(phones.alice, '1002', phones.bob);
    await call.hold();
    await call.unhold();
    await call.digit('5');
    call.hangUp();
    await stateOf(leg, 'ended');
    const events = await told('an answered call');
    assertLegs(events, ['CREATE ANSWER BRIDGE HOLD UNHOLD DTMF UNBRIDGE DESTROY', 'CREATE PROGRESS ANSWER DESTROY']);
    for (const kind of KINDS) {
      assert.deepEqual(causes(events[kind]), ['NORMAL_CLEARING', 'NORMAL_CLEARING']);
      const digit = events[kind].find(({ name }) => name === 'DTMF');
      assert.equal(fieldOf(digit, 'DTMF-Digit'), undefined, 'digits are hidden');
      for (const event of events[kind]) assert.equal(event.account, 'acme');
    }
  });

  test('a busy phone, one that declines, a caller that gives up and a phone that is not answered have their causes', async () => {
    const busy = phones.alice.call('1002');
    (await phones.bob.called()).refuse('486 Busy Here');
    await stateOf(busy, 'ended');
    const refused = await told('a busy phone');
    const declined = phones.alice.call('1002');
    (await phones.bob.called()).refuse('603 Decline');
    await stateOf(declined, 'ended');
    const declining = await told('a phone that declines');
    const cancelled = phones.alice.call('1002');
    const leg = await phones.bob.called();
    leg.ring();
    await stateOf(cancelled, 'ringing');
    cancelled.cancel();
    await stateOf(leg, 'ended');
    const given = await told('a caller that gives up');
    const unanswered = phones.alice.call('91002');
    (await phones.bob.called()).ring();
    await stateOf(unanswered, 'ended');
    const none = await told('a phone that is not answered');
    for (const kind of KINDS) {
      assert.deepEqual(causes(refused[kind]), ['USER_BUSY', 'USER_BUSY'], kind);
      assert.deepEqual(causes(declining[kind]), ['CALL_REJECTED', 'CALL_REJECTED'], kind);
      assert.deepEqual(causes(given[kind]), ['ORIGINATOR_CANCEL', 'ORIGINATOR_CANCEL'], kind);
      assert.deepEqual(causes(none[kind]), ['NO_ANSWER', 'NO_ANSWER'], kind);
      const ends = refused[kind].filter(({ name }) => name === 'CHANNEL_DESTROY');
      // Versions before 22 do not report it.
      const isTold = Number.parseInt(stage.asterisk.version, 10) >= 22;
      assert.equal(
        ends.some((end) => fieldOf(end, 'Hangup-Code') === 'sip:486'),
        isTold,
        kind,
      );
    }
  });

  test('a blind transfer by REFER names who transferred whom, and the new pair is bridged', async () => {
    const { call, leg } = await answeredCall(phones.alice, '1002', phones.bob);
    await leg.transfer('1003');
    const next = await phones.carol.called();
    next.answer();
    await heardOf('CHANNEL_BRIDGE', 2);
    call.hangUp();
    await stateOf(next, 'ended');
    assertLegs(await told('a blind transfer'), [
      'CREATE ANSWER BRIDGE TRANSFEREE UNBRIDGE BRIDGE UNBRIDGE DESTROY',
      'CREATE PROGRESS ANSWER TRANSFEROR DESTROY',
      'CREATE ANSWER DESTROY',
    ]);
  });

  test('an attended transfer by REFER with Replaces joins the two calls', async () => {
    const { call, leg } = await answeredCall(phones.alice, '1002', phones.bob);
    await leg.hold();
    const { call: second, leg: next } = await answeredCall(phones.bob, '1003', phones.carol);
    await leg.transferTo(second);
    await heardOf('CHANNEL_BRIDGE', 3);
    call.hangUp();
    await stateOf(next, 'ended');
    assertLegs(await told('an attended transfer'), [
      'CREATE ANSWER BRIDGE UNBRIDGE BRIDGE TRANSFEREE UNBRIDGE DESTROY',
      'CREATE PROGRESS ANSWER HOLD UNHOLD TRANSFEROR DESTROY',
      'CREATE ANSWER BRIDGE UNBRIDGE DESTROY',
      'CREATE PROGRESS ANSWER DESTROY',
    ]);
  });

  test('a parked call is retrieved from its slot, or given up; ARI tells nothing of the slot', async () => {
    const parked = await answeredCall(phones.alice, '1002', phones.bob);
    await parked.leg.transfer('700');
    await heardOf('PARK_PARKED', 1, ['AMI']);
    const retrieving = phones.bob.call('701');
    await heardOf('CHANNEL_BRIDGE', 2);
    await heardOf('PARK_RETRIEVED', 1, ['AMI']);
    retrieving.hangUp();
    await stateOf(parked.call, 'ended');
    const retrieved = await told('a call that is retrieved');
    const given = await answeredCall(phones.alice, '1002', phones.bob);
    await given.leg.transfer('700');
    await heardOf('PARK_PARKED', 1, ['AMI']);
    given.call.hangUp();
    const abandoned = await told('a call that is abandoned');
    for (const kind of KINDS) {
      assert.deepEqual(shown(retrieved[kind]), [
        'CREATE ANSWER BRIDGE TRANSFEREE UNBRIDGE BRIDGE UNBRIDGE DESTROY',
        'CREATE PROGRESS ANSWER TRANSFEROR DESTROY',
        'CREATE ANSWER DESTROY',
      ]);
      assert.deepEqual(shown(abandoned[kind]), [
        'CREATE ANSWER BRIDGE TRANSFEREE UNBRIDGE DESTROY',
        'CREATE PROGRESS ANSWER TRANSFEROR DESTROY',
      ]);
    }
    assert.deepEqual(parking(retrieved.AMI), ['PARK_PARKED', 'PARK_RETRIEVED']);
    assert.deepEqual(parking(abandoned.AMI), ['PARK_PARKED', 'PARK_ABANDONED']);
    for (const { ARI } of [retrieved, abandoned]) assert.deepEqual(parking(ARI), []);
    const slots = retrieved.AMI.filter(({ name }) => name.startsWith('PARK_')).map((e) => fieldOf(e, 'Parking-Slot'));
    assert.deepEqual(slots, ['701', '701']);
  });

  test('the members of a conference are not bridged with each other', async () => {
    const calls = [];
    for (const phone of [phones.alice, phones.bob, phones.carol]) {
      const call = phone.call('600');
      await stateOf(call, 'up');
      calls.push(call);
    }
    for (const call of calls) call.hangUp();
    assertLegs(await told('a conference'), ['CREATE ANSWER DESTROY', 'CREATE ANSWER DESTROY', 'CREATE ANSWER DESTROY']);
  });

  test('a queue calls its member, and a recording ends with its channel; ARI tells nothing of recordings', async () => {
    const queued = phones.alice.call('610');
    const member = await phones.bob.called();
    member.answer();
    await heardOf('CHANNEL_BRIDGE', 1);
    member.hangUp();
    await stateOf(queued, 'ended');
    assertLegs(await told('a queue'), ['CREATE ANSWER BRIDGE UNBRIDGE DESTROY', 'CREATE ANSWER DESTROY']);
    const recorded = phones.alice.call('630');
    await stateOf(recorded, 'up');
    recorded.hangUp();
    const events = await told('a recording');
    assert.deepEqual(shown(events.AMI), ['CREATE RECORD_START ANSWER RECORD_STOP DESTROY']);
    assert.deepEqual(shown(events.ARI), ['CREATE ANSWER DESTROY']);
  });
});

describe('S8: the account of an event is', () => {
  test('that of the account code of each tenant’s phones', async () => {
    const { call, leg } = await answeredCall(phones.dave, '2002', phones.erin);
    call.hangUp();
    await stateOf(leg, 'ended');
    const events = await told('a call of another tenant');
    for (const kind of KINDS) assert.deepEqual([...new Set(events[kind].map(({ account }) => account))], ['globex']);
  });

  test('that of a rule on context and number, where the switch names none', async () => {
    const { call, leg } = await answeredCall(phones.trunk, '+15550100', phones.alice);
    call.hangUp();
    await stateOf(leg, 'ended');
    const events = await told('a call from the trunk');
    for (const kind of KINDS) {
      assert.deepEqual([...new Set(events[kind].map(({ account }) => account))], ['acme'], kind);
      assert.equal(fieldOf(events[kind][0], 'Caller-Destination-Number'), '+15550100');
    }
  });

  test('none, where neither the switch nor a rule names one', async () => {
    const call = phones.trunk.call('+16660100');
    await stateOf(call, 'up');
    call.hangUp();
    const events = await told('a call of no account');
    assertLegs(events, ['CREATE ANSWER DESTROY']);
    for (const kind of KINDS) assert.deepEqual([...new Set(events[kind].map(({ account }) => account))], ['']);
  });
});
