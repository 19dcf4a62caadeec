import { sourceKeys } from '../../../protocol/keys.ts';
import type { SourceGap } from '../../../protocol/source-gap.ts';
import { silentLogger } from '../../../runtime/logging/logger.ts';
import { commandClient } from '../../../runtime/redis/client.ts';
import type { Wanted } from '../bindings.ts';
import { Losses } from '../losses.ts';
import { OverflowWatch } from '../overflow-watch.ts';

/** The shared knowledge of the replicas of one queue, in Redis. Gaps stay there, because no log accepts them. */
export interface TestCoverage extends AsyncDisposable {
  readonly coverage: Losses;
  /** Gaps that this replica reported. */
  readonly gaps: SourceGap[];
}

export function openCoverage(redisUrl: string, { queue }: Wanted): TestCoverage {
  const client = commandClient(redisUrl, { logger: silentLogger, name: 'test' });
  const source = `test/${queue.name}`;
  const gaps: SourceGap[] = [];
  const coverage = new Losses({
    place: { client, keys: sourceKeys('firehose:', source), source, endpoint: 'broker', replica: 'a' },
    ttlMs: queue.messageTtlMs,
    overflow: new OverflowWatch(queue.maxLength),
    eventLog: {
      append: (events) => Promise.resolve(events.map(() => ({ outcome: 'accepted', partition: 0, id: '1-0' }))),
    },
    onGap: (gap) => gaps.push(gap),
    now: Date.now,
  });
  return {
    coverage,
    gaps,
    [Symbol.asyncDispose]() {
      client.disconnect();
      return Promise.resolve();
    },
  };
}
