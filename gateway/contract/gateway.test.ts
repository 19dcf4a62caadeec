import { gatewaySuite } from './gateway.suite.ts';
import { startGateway } from '../testing/running-gateway.ts';

gatewaySuite('the embedded log', () => startGateway({}));
