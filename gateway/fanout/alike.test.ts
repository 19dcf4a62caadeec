import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Grant } from '../auth/grant.ts';
import { cursors } from '../testing/cursors.ts';
import { entryOf } from '../testing/entries.ts';
import { expectedNotices } from '../testing/notices.ts';
import { RecordingSink } from '../testing/sink.ts';
import { treeOf } from '../testing/tree.ts';
import { PLAIN, WITH_META, type Form } from './encoding.ts';
import { Fanout } from './fanout.ts';

/** Keeps the buffers that it was given beside their copies. */
class GivenSink extends RecordingSink {
  readonly given: Buffer[] = [];

  override write(chunk: Buffer, release: (() => void) | null): void {
    this.given.push(chunk);
    super.write(chunk, release);
  }
}

function open() {
  const fanout = new Fanout({
    directory: treeOf([
      ['root', null],
      ['a', 'root'],
      ['b', 'root'],
    ]),
    offers: () => true,
    cursors,
    pages: () => Promise.reject(new Error('no page is expected here')),
  });
  fanout.restart({ epoch: 'e', oldest: ['0-0'], newest: ['0-0'], trimmed: ['0-0'] });
  const join = (grant: Partial<Grant>, form: Form = PLAIN) => {
    const sink = new GivenSink();
    fanout.join({
      grant: { account: 'root', accounts: null, events: null, ...grant },
      form,
      sink,
      notices: expectedNotices({}),
    });
    return sink;
  };
  return { fanout, join };
}

/** Alternates events of a and b, so that one account's events are never adjacent in a round. */
const events = (from: number) =>
  [0, 1, 2, 3].map((n) => {
    const account = n % 2 === 0 ? 'a' : 'b';
    return entryOf({ sequence: from + n, account, data: JSON.stringify({ n: from + n, account }) });
  });

const numbers = ({ chunks }: RecordingSink) =>
  [
    ...Buffer.concat(chunks)
      .toString('latin1')
      .matchAll(/"n":(\d+)/g),
  ].map(([, n]) => Number(n));

test('connections whose filters differ share the bytes of a round where they get the same of it', () => {
  const { fanout, join } = open();
  const grant = (n: number): Partial<Grant> => ({ account: 'a', accounts: ['a', `gone-${n}`] });
  const sinks = [1, 2, 3, 4].map((n) => join(grant(n)));
  const others = [join({ account: 'b', accounts: ['b', 'gone'] }), join(grant(5), WITH_META)];
  fanout.deliver(events(0));
  const [first, second, third, fourth] = sinks.map(({ given }) => given[0]);
  assert.ok(second !== undefined && first !== second && third === second && fourth === second);
  for (const sink of [...sinks, others[1]]) assert.deepEqual(sink && numbers(sink), [0, 2]);
  assert.deepEqual(others[0] && numbers(others[0]), [1, 3]);
  assert.notEqual(others[1]?.given[0], second);
  fanout.deliver(events(10));
  for (const sink of sinks) assert.deepEqual(numbers(sink), [0, 2, 10, 12]);
});
