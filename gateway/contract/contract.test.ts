import { contractSuite } from './contract.suite.ts';
import { startGateway } from '../testing/running-gateway.ts';

contractSuite('the embedded log', () => startGateway({ plain: true }));
