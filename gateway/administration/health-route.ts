import { Router } from 'express';
import { worst } from '../../protocol/finding.ts';
import { HEALTH_PATH } from '../../protocol/paths.ts';
import { onlyMethods } from '../http/respond.ts';
import { judgeHealth, type HealthLook } from './judge-health.ts';

export interface HealthRouteOptions {
  readonly health: () => HealthLook;
}

/** `GET` returns this replica's findings about itself and the others, as in `firehose doctor --json`. */
export function healthRouter({ health }: HealthRouteOptions): Router {
  const router = Router();
  router
    .route(HEALTH_PATH)
    .get((_request, response) => {
      const findings = judgeHealth(health(), Date.now());
      response.set('Cache-Control', 'no-store').json({ status: worst(findings), findings });
    })
    .all(onlyMethods('GET', 'HEAD'));
  return router;
}
