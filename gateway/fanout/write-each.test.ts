import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Grant } from '../auth/grant.ts';
import { cursors } from '../testing/cursors.ts';
import { entryOf } from '../testing/entries.ts';
import { expectedNotices } from '../testing/notices.ts';
import { RecordingSink } from '../testing/sink.ts';
import { treeOf } from '../testing/tree.ts';
import { until } from '../../testing/until.ts';
import { PLAIN } from './encoding.ts';
import { Fanout } from './fanout.ts';

const EVERYTHING: Grant = { account: 'a', accounts: null, events: null };

function open(connections: number) {
  const fanout = new Fanout({
    directory: treeOf([['a', null]]),
    offers: () => true,
    cursors,
    pages: () => Promise.reject(new Error('no page is expected here')),
    highWater: 1,
  });
  fanout.restart({ epoch: 'e', oldest: ['0-0'], newest: ['0-0'], trimmed: ['0-0'] });
  const sinks = Array.from({ length: connections }, () => {
    const sink = new RecordingSink();
    fanout.join({ grant: EVERYTHING, form: PLAIN, sink, notices: expectedNotices() });
    return sink;
  });
  return { fanout, sinks };
}

describe('connections of one view', () => {
  for (const connections of [1, 2, 15, 16, 17, 48, 101]) {
    test(`each of ${connections} gets each event once, and one that is full is left out wherever it is`, async () => {
      const { fanout, sinks } = open(connections);
      const full = sinks.filter((_, at) => at % 5 === 3);
      for (const sink of full) sink.stall();
      const datas = Array.from({ length: 4 }, (_, n) => `{"n":${n}}`);
      for (const [sequence, data] of datas.entries())
        fanout.deliver([entryOf({ sequence: sequence + 1, account: 'a', data })]);
      assert.equal(fanout.behind, full.length);
      for (const sink of sinks) assert.deepEqual(sink.messages(), full.includes(sink) ? datas.slice(0, 1) : datas);
      for (const sink of full) sink.flow();
      await until('nobody behind', () => fanout.behind, { holds: (seen) => seen === 0 });
      for (const sink of sinks) assert.deepEqual(sink.messages(), datas);
    });
  }
});
