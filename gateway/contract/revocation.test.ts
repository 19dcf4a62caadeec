import { revocationSuite } from './revocation.suite.ts';
import { startGateway } from '../testing/running-gateway.ts';

revocationSuite('the embedded log', () => startGateway({}));
