import { callTableSuite } from './call-table.suite.ts';
import { createEmbeddedTable } from './embedded-table.ts';

callTableSuite('table of live calls in memory', () => Promise.resolve(createEmbeddedTable(2)));
