import { writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { runConsumer, type ConsumerOptions } from '../consumer.ts';

/** A consumer as a process of its own, to be killed: prints each message that it takes, then acknowledges. */
const given = JSON.parse(process.argv[2] ?? '') as Pick<ConsumerOptions, 'url' | 'exchange' | 'queue' | 'bindings'>;
await runConsumer(
  {
    ...given,
    prefetch: 100,
    now: Date.now,
    onGap: () => undefined,
    onState: ({ connected, bound }) => writeSync(1, `state ${connected} ${bound}\n`),
    take: async (deliveries) => {
      writeSync(1, deliveries.map(({ body }) => `took ${body.toString()}\n`).join(''));
      // Between the log and the acknowledgement: where a crash doubles.
      await delay(5);
      return true;
    },
  },
  new AbortController().signal,
);
