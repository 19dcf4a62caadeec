import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLooks } from './looks.ts';
import { CallsUnavailable, type Snapshot } from './snapshot.ts';

const SNAPSHOT: Snapshot = { position: { epoch: 'first', ids: ['1-0'] }, records: [] };

test('one read serves all who ask for the same within half a second', async () => {
  let now = 0;
  let reads = 0;
  const looks = createLooks(() => now);
  const take = (key: string | null) =>
    looks.take(key, () => {
      reads += 1;
      return Promise.resolve(SNAPSHOT);
    });
  await Promise.all([take('one'), take('one'), take('other')]);
  assert.equal(reads, 2);
  now = 500;
  await take('one');
  assert.equal(reads, 2);
  now = 501;
  await take('one');
  assert.equal(reads, 3);
  await Promise.all([take(null), take(null)]);
  assert.equal(reads, 5);
});

test('I11: four reads are made at a time, the next ones wait for their turn, at most for five seconds', async () => {
  const looks = createLooks(performance.now.bind(performance));
  const reading: PromiseWithResolvers<Snapshot>[] = [];
  const take = () =>
    looks.take(null, () => {
      const read = Promise.withResolvers<Snapshot>();
      reading.push(read);
      return read.promise;
    });
  const first = Array.from({ length: 4 }, take);
  const [next, last] = [take(), take()];
  assert.equal(reading.length, 4);
  reading[0]?.resolve(SNAPSHOT);
  await first[0];
  await assert.rejects(last, (error) => error instanceof CallsUnavailable && error.why === 'busy');
  assert.equal(reading.length, 5);
  for (const read of reading) read.resolve(SNAPSHOT);
  await Promise.all([...first, next]);
});
