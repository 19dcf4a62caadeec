import { createEmbeddedLog } from '../../event-log/embedded-log.ts';
import { callTableSuite, type OpenTable } from './call-table.suite.ts';
import { createEmbeddedTable } from './embedded-table.ts';
import { endsSuite } from './ends.suite.ts';

const open: OpenTable = (legsPerAccount) => {
  const eventLog = createEmbeddedLog({ partitions: 2, maxBytes: 64 * 1024 * 1024, now: Date.now });
  return Promise.resolve({ eventLog, table: createEmbeddedTable(2, eventLog, legsPerAccount) });
};

callTableSuite('table of live calls in memory', open);
endsSuite('ends of legs in memory', open);
