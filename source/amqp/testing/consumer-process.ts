import { writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Consumer, type ConsumerOptions } from '../consumer.ts';
import { openCoverage } from './coverage.ts';

/**
 * A consumer in a process of its own, for tests that kill it. Prints each message that it processes, then acknowledges
 * it.
 */
const given = JSON.parse(process.argv[2] ?? '') as Pick<ConsumerOptions, 'broker' | 'wanted'> & { redisUrl: string };
const { coverage } = openCoverage(given.redisUrl, given.wanted);
const consumer = new Consumer({
  ...given,
  prefetch: 100,
  now: Date.now,
  coverage,
  onWaiting: () => undefined,
  onState: ({ connected, bound }) => writeSync(1, `state ${connected} ${bound}\n`),
  take: ({ number, body }) => {
    writeSync(1, `took ${body.toString()}\n`);
    // Waits between log and acknowledgement: a crash at this point causes a duplicate.
    void delay(5).then(() => consumer.acknowledgeBelow(number + 1));
  },
});
await consumer.run(new AbortController().signal);
