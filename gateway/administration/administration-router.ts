import { Router, type RequestHandler } from 'express';
import { ADMINISTRATION_PATH } from '../../protocol/paths.ts';
import { createBearerCheck } from '../http/bearer.ts';
import { bearerRequired } from '../http/refuse-unread.ts';
import { sendProblem } from '../http/respond.ts';

export interface AdministrationOptions {
  /** Bearer token of administrators; an empty one refuses every request. */
  readonly token: string;
  /** One router for each resource; it answers its full path below `ADMINISTRATION_PATH`. */
  readonly resources: readonly Router[];
}

/**
 * Everything below `/ws/v1/firehose/admin`, for the inner listener only. Without the token every path is 401, existing
 * or not.
 */
export function administrationRouter({ token, resources }: AdministrationOptions): Router {
  const isAllowed = createBearerCheck(token);
  const guard: RequestHandler = (request, response, next) => {
    if (isAllowed(request)) next();
    else sendProblem(response, UNAUTHORIZED);
  };
  const router = Router();
  router.use(ADMINISTRATION_PATH, guard);
  for (const resource of resources) router.use(resource);
  return router;
}

const UNAUTHORIZED = bearerRequired('admin');
