import { createEmbeddedLog } from '../../event-log/embedded-log.ts';
import { createEmbeddedTable } from './embedded-table.ts';
import { oracleSuite } from './oracle.suite.ts';

oracleSuite(
  'in memory',
  () => {
    const eventLog = createEmbeddedLog({ partitions: 4, maxBytes: 64 * 1024 * 1024, now: Date.now });
    const close = () => eventLog[Symbol.asyncDispose]();
    return Promise.resolve({ eventLog, table: createEmbeddedTable(4, eventLog), [Symbol.asyncDispose]: close });
  },
  200,
);
