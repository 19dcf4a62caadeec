import { startGateway } from '../testing/running-gateway.ts';
import { sourceGapSuite } from './source-gap.suite.ts';

sourceGapSuite('the embedded log', startGateway, false);
