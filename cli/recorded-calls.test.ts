import { createEmbeddedLog } from '../event-log/embedded-log.ts';
import { createEmbeddedTable } from '../gateway/calls/embedded-table.ts';
import { recordedCallsSuite } from './recorded-calls.suite.ts';

recordedCallsSuite('in memory', () => {
  const eventLog = createEmbeddedLog({ partitions: 2, maxBytes: 64 * 1024 * 1024, now: Date.now });
  const close = () => eventLog[Symbol.asyncDispose]();
  return Promise.resolve({ eventLog, table: createEmbeddedTable(2, eventLog), [Symbol.asyncDispose]: close });
});
