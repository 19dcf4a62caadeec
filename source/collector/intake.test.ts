import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordedLogger } from '../../testing/recorded-logger.ts';
import { until } from '../../testing/until.ts';
import type { Mapper, SwitchEvent } from '../mapper.ts';
import { SwitchFault } from '../switch.ts';
import { FakeSwitch } from '../testing/fake-switch.ts';
import { recording } from '../testing/recordings.ts';
import { createBackoff } from './backoff.ts';
import { Hearing, type EndpointSpec } from './hearing.ts';
import { Intake } from './intake.ts';
import { RingBudget } from './kept.ts';
import { silentObserver } from './observer.ts';

const source = recording('freeswitch-1.11/esl/answered_caller_hangs_up');
const OUTAGE = { from: 0, to: 1, restarted: false };

test('S7: an event that cannot be mapped is counted, and the next one is taken', () => {
  const read: string[] = [];
  const defects: unknown[] = [];
  const intake = new Intake({
    now: () => 0,
    forward: () => undefined,
    onRead: (outcome, reason) => read.push(`${outcome} ${reason}`),
    onDefect: (error) => defects.push(error),
  });
  const mapper = source.mapper();
  const broken: Mapper = {
    adopt: () => [],
    advance: () => [],
    waitingSince: () => null,
    liveLegs: () => [],
    feed(event, now) {
      if ('boom' in event) throw new Error('a defect');
      return mapper.feed(event, now);
    },
  };
  intake.adopt(broken, source.mapper(), [], OUTAGE);
  intake.event({ boom: 1 });
  for (const { event } of source.events) intake.event(event);
  intake.malformed('half a header');
  assert.equal(defects.length, 1);
  assert.equal(read[0], 'malformed defect');
  assert.equal(read.at(-1), 'malformed half a header');
  assert.ok(read.includes('forwarded '));
});

test('S6: events that come before the listing are bounded, and the attempt ends then', () => {
  const intake = new Intake({
    now: () => 0,
    forward: () => undefined,
    onRead: () => undefined,
    onDefect: () => undefined,
  });
  const event = source.events[0]?.event ?? {};
  for (let count = 0; count < 25_000; count += 1) intake.event(event);
  assert.throws(() => intake.adopt(source.mapper(), source.mapper(), [], OUTAGE), { code: 'Silent' });
});

const hearingOf = (spec: EndpointSpec, more: Partial<ConstructorParameters<typeof Hearing>[0]> = {}) =>
  new Hearing({
    spec,
    budget: new RingBudget({ maxBytes: 1e9, maxEvents: 1e6 }),
    logger: recordedLogger().logger,
    observer: silentObserver,
    now: Date.now,
    elapsed: () => performance.now(),
    random: () => 0,
    known: () => null,
    onNews: () => undefined,
    onFull: () => undefined,
    ...more,
  });

test('S7: events are read as they come, whatever the log does, and a listing that never comes ends the attempt', async () => {
  const fake = new FakeSwitch({ now: Date.now, listing: () => [] });
  const hearing = hearingOf({ name: 'fs1', switch: fake.of('a'), createMapper: () => source.mapper() });
  const stop = new AbortController();
  const running = hearing.run(stop.signal);
  await until('live', () => hearing.isLive);
  // Nothing is appended: each event is mapped within the call that delivers it.
  fake.say(source.events.map(({ event }) => event));
  assert.ok(hearing.tape.length > 0);
  fake.onListing = () => new Promise(() => undefined);
  fake.cut();
  await until('listing again', () => hearing.state === 'Listing');
  fake.cut();
  await until('given up, and waiting', () => hearing.state === 'Waiting' && hearing.reason === 'Unreachable');
  stop.abort();
  await running;
});

test('S12: no text of an unexpected error, and no credential, is in a log line', async () => {
  const { lines, logger } = recordedLogger();
  const errors = [
    new Error('connect to secret-canary@host failed'),
    new SwitchFault('Credentials', 'the switch refused the password'),
  ];
  let attempts = 0;
  const spec: EndpointSpec = {
    name: 'fs1',
    switch: {
      open: () => {
        attempts += 1;
        return Promise.reject(errors[Math.min(attempts, errors.length) - 1] ?? new Error('none'));
      },
    },
    createMapper: () => source.mapper(),
  };
  const outcomes: string[] = [];
  const observer = { ...silentObserver, connectEnded: (_: string, outcome: string) => void outcomes.push(outcome) };
  const hearing = hearingOf(spec, { logger, observer });
  const stop = new AbortController();
  const running = hearing.run(stop.signal);
  await until('two attempts', () => attempts === 2 && hearing.state === 'Waiting');
  stop.abort();
  await running;
  assert.deepEqual(outcomes, ['Unreachable', 'Credentials']);
  assert.match(lines.join(''), /the switch refused the password/);
  assert.doesNotMatch(lines.join(''), /canary/);
});

test('attempts to connect are 0.2 s apart at first and 30 s at last, and at once 30 s when a person must act', () => {
  const backoff = createBackoff(() => 1);
  const waits = Array.from({ length: 10 }, () => backoff.next({ liveMs: 0, lasting: false }));
  assert.deepEqual(waits.slice(0, 4), [200, 400, 800, 1_600]);
  assert.equal(waits.at(-1), 30_000);
  assert.equal(backoff.next({ liveMs: 59_000, lasting: false }), 30_000);
  assert.equal(backoff.next({ liveMs: 60_000, lasting: false }), 200, 'a good connection begins anew');
  assert.equal(createBackoff(() => 0).next({ liveMs: 0, lasting: true }), 30_000);
  assert.equal(createBackoff(() => 0).next({ liveMs: 0, lasting: false }), 100, 'no loop spins');
});

test('an event after the end of its connection changes nothing', () => {
  const given: SwitchEvent[] = [];
  const intake = new Intake({
    now: () => 0,
    forward: (event) => void given.push({ id: event.eventId }),
    onRead: () => undefined,
    onDefect: () => undefined,
  });
  intake.adopt(source.mapper(), source.mapper(), [], OUTAGE);
  intake.end();
  for (const { event } of source.events) intake.event(event);
  assert.deepEqual(given, []);
});
