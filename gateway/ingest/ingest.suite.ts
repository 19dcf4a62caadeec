import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { decodeMeta } from '../../protocol/entry.ts';
import type { EventLog, StoredEntry } from '../../event-log/event-log.ts';
import { createIngest, type IngestAnswer } from './ingest.ts';

export function fixture(name: string): Buffer {
  return readFileSync(new URL(`fixtures/${name}.ndjson`, import.meta.url));
}

export async function reported(eventLog: EventLog, body: Buffer | string, contentType = ''): Promise<IngestAnswer> {
  const answer = await createIngest({ eventLog, judgeAccount: () => 'offered' })(Buffer.from(body), { contentType });
  assert.ok(answer.kind === 'answered', JSON.stringify(answer));
  return answer.answer;
}

/** The content of the log, partition by partition. */
export async function held(eventLog: EventLog): Promise<StoredEntry[]> {
  const entries: StoredEntry[] = [];
  for (let partition = 0; partition < eventLog.partitions; partition += 1) {
    entries.push(...(await eventLog.range(partition, '0-0', 1_000)));
  }
  return entries;
}

const REAL = ['call-events-2015', 'derived-call-events'];

/** Requirements for ingest on every log. `open` returns a new, empty one. */
export function ingestSuite(name: string, open: () => Promise<EventLog>): void {
  describe(`ingest into the ${name}`, () => {
    for (const file of REAL) {
      it(`takes in ${file} byte for byte, in the order of each call, and once`, async () => {
        await using eventLog = await open();
        const body = fixture(file);
        const lines = body.toString().trimEnd().split('\n');
        const report = await reported(eventLog, body);
        assert.equal(report.accepted, lines.length);
        const entries = await held(eventLog);
        const at = new Map(entries.map((entry) => [`${entry.partition}:${entry.id}`, entry]));
        const inOrder = report.events.map((event) => at.get(event.position ?? ''));
        assert.deepEqual(
          inOrder.map((entry) => entry?.data.toString()),
          lines,
        );
        const calls = Map.groupBy(lines, (line) => (JSON.parse(line) as Record<string, string>)['Call-ID']);
        for (const [call, sent] of calls) {
          const mine = entries.filter((entry) => decodeMeta(entry.meta)?.callId === call);
          assert.deepEqual(
            mine.map((entry) => entry.data.toString()),
            sent,
          );
        }
        const again = await reported(eventLog, `[${lines.join(',\r\n')}]`);
        assert.equal(again.duplicate, lines.length);
        assert.deepEqual(
          again.events.map((event) => event.position),
          report.events.map((event) => event.position),
        );
        assert.equal((await held(eventLog)).length, lines.length);
      });
    }

    it('forwards nothing of what is no call event', async () => {
      await using eventLog = await open();
      const report = await reported(eventLog, fixture('not-call-events'));
      assert.deepEqual(
        report.events.map((event) => [event.status, event.code]),
        [
          ['dropped', 'never_forwarded'],
          ['dropped', 'never_forwarded'],
          ['rejected', 'invalid_event_name'],
        ],
      );
      assert.deepEqual(await held(eventLog), []);
    });

    it('holds one event of what two ecallmgr nodes publish', async () => {
      await using eventLog = await open();
      const [first = ''] = fixture('call-events-2015').toString().split('\n');
      const event = JSON.parse(first) as Record<string, unknown>;
      const other = JSON.stringify(
        Object.fromEntries(Object.entries({ ...event, Node: 'ecallmgr@kz2.example.com' }).toReversed()),
      );
      const report = await reported(eventLog, `${first}\n${other}`);
      assert.deepEqual(
        report.events.map((one) => one.status),
        ['accepted', 'duplicate'],
      );
      const entries = await held(eventLog);
      assert.equal(entries.length, 1);
      assert.equal(decodeMeta(entries[0]?.meta ?? '')?.account, 'account0000000000000000000000002');
    });
  });
}
