import { replaySuite } from './replay.suite.ts';
import { startGateway } from '../testing/running-gateway.ts';

replaySuite('the embedded log', () => startGateway({}));
