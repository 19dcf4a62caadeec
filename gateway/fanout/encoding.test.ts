import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MOST_PROFILES } from '../../protocol/subscription/privacy.ts';
import { cursors } from '../testing/cursors.ts';
import { entryOf } from '../testing/entries.ts';
import { expectedNotices } from '../testing/notices.ts';
import { RecordingSink } from '../testing/sink.ts';
import { treeOf } from '../testing/tree.ts';
import type { Redactor } from '../privacy/redactor.ts';
import { Encodings, PLAIN, WITH_META, type Form } from './encoding.ts';
import { Fanout } from './fanout.ts';
import { framesOf } from './forms.ts';
import { buildRound } from './round.ts';
import { Part } from './selection.ts';
import { Tail } from './tail.ts';

const GRANT = { account: 'a', accounts: null, events: null };

test('equal forms are one encoding, which goes with its last user', () => {
  const encodings = new Encodings();
  const first = encodings.hold(WITH_META);
  const again = encodings.hold({ ...WITH_META });
  assert.equal(again, first);
  encodings.release(first);
  assert.equal(encodings.size, 1);
  encodings.release(again);
  assert.equal(encodings.size, 0);
});

test('compressed forms are limited, one that is in use has room for more users, and no other form is refused', () => {
  const encodings = new Encodings(1);
  const self: Form = { ...PLAIN, transport: 'self' };
  const shared: Form = { ...PLAIN, transport: 'shared' };
  const held = encodings.hold(self);
  assert.deepEqual(
    [self, shared, WITH_META].map((form) => encodings.hasRoomFor(form)),
    [true, false, true],
  );
  assert.throws(() => encodings.hold(shared), /more than 1 forms/);
  encodings.release(held);
  assert.ok(encodings.hasRoomFor(shared));
});

test('an account whose logins use every set of profiles takes compression from nobody', () => {
  const encodings = new Encodings();
  const sets = Array.from({ length: 2 ** MOST_PROFILES }, (_, set): Redactor | null =>
    set === 0 ? null : { name: `set-${set}`, version: 'v', event: (event) => event, call: (call) => call },
  );
  for (const privacy of sets) {
    for (const { format } of [PLAIN, WITH_META]) {
      for (const transport of ['raw', 'self', 'shared'] as const) {
        const form: Form = { ...PLAIN, format, transport, privacy };
        assert.ok(encodings.hasRoomFor(form), `${format} ${transport} ${privacy?.name}`);
        encodings.hold(form);
      }
    }
  }
});

/** How often the cursor of an event was sealed: the cost of a form with meta. */
function open(accounts: readonly string[] = ['a']) {
  let sealed = 0;
  const counting: typeof cursors = Object.assign(Object.create(cursors) as typeof cursors, {
    seal: (...given: Parameters<typeof cursors.seal>) => {
      sealed += 1;
      return cursors.seal(...given);
    },
  });
  const fanout = new Fanout({
    directory: treeOf(accounts.map((account): [string, null] => [account, null])),
    offers: () => true,
    cursors: counting,
    pages: () => Promise.reject(new Error('no page is expected here')),
  });
  fanout.restart({ epoch: 'e', oldest: ['0-0'], newest: ['0-0'], trimmed: ['0-0'] });
  const join = (form: Form, account = GRANT.account) =>
    fanout.join({ grant: { ...GRANT, account }, form, sink: new RecordingSink(), notices: expectedNotices({}) });
  return { fanout, join, sealed: () => sealed };
}

test('F1: a form that nobody uses is not made, and one with many users is made once', () => {
  const { fanout, join, sealed } = open();
  const entries = [1, 2, 3].map((sequence) => entryOf({ sequence, account: 'a' }));
  join(PLAIN);
  fanout.deliver(entries);
  assert.equal(sealed(), 0);
  const users = [join(WITH_META), join(WITH_META), join(WITH_META)];
  assert.equal(fanout.sizes().encodings, 2);
  fanout.deliver(entries);
  assert.equal(sealed(), entries.length);
  for (const user of users) fanout.leave(user);
  fanout.deliver(entries);
  assert.equal(sealed(), entries.length);
  assert.equal(fanout.sizes().encodings, 1);
});

test('F1: a profile or a cursor is made of the events alone that a view gets in this form', () => {
  const seen: string[] = [];
  const privacy: Redactor = {
    name: 'p',
    version: '1',
    call: (call) => call,
    event(event, at) {
      seen.push(`${(JSON.parse(event.toString()) as { Account: string }).Account} ${at % 1_000}`);
      return event;
    },
  };
  const { fanout, join, sealed } = open(['a', 'b']);
  const entries = ['a', 'b', 'a', 'b', 'b'].map((account, at) =>
    entryOf({ sequence: at + 1, account, data: JSON.stringify({ Account: account }) }),
  );
  join(PLAIN, 'b');
  for (const _ of [1, 2]) join({ ...WITH_META, privacy }, 'a');
  fanout.deliver(entries);
  assert.deepEqual(seen, ['a 1', 'a 3']);
  assert.equal(sealed(), 2);
  join({ ...WITH_META, privacy }, 'b');
  seen.length = 0;
  fanout.deliver(entries);
  assert.equal(seen.length, entries.length);
});

test('I10: the tail counts every form of a round, and keeps no more than its bound of all together', () => {
  const bound = 100_000;
  const tail = new Tail(bound);
  const encoding = new Encodings().hold(WITH_META);
  const data = JSON.stringify({ filler: 'x'.repeat(1_000) });
  const kept = (withMeta: boolean) => {
    tail.clear();
    for (let number = 0; number < 400; number += 1) {
      const origin = { number, epoch: 'e', from: [`${number}-0`], cursors };
      const round = buildRound(origin, [entryOf({ sequence: number, account: 'a', data })]);
      tail.push(round);
      if (withMeta) framesOf(round, { parts: [new Part([0])], encoding });
    }
    return Array.from({ length: 400 }, (_, number) => tail.get(number)).filter((round) => round !== null).length;
  };
  const plain = kept(false);
  const both = kept(true);
  assert.ok(plain > 90 && both < plain / 2 + 2, `${plain} rounds, ${both} of them with meta too`);
});
