import { Router, type Request, type Response } from 'express';
import { DIRECTORY_REFRESH_PATH } from '../../../protocol/paths.ts';
import { createBearerCheck } from '../../http/bearer.ts';
import { bearerRequired, CLOSE_UNREAD } from '../../http/refuse-unread.ts';
import { onlyMethods, sendProblem } from '../../http/respond.ts';

export interface RefreshRouteOptions {
  /** Never rejects. */
  readonly refresh: () => Promise<void>;
  /** Accepted tokens: the one for the directory server, and the administrators'. */
  readonly tokens: () => Promise<readonly string[]>;
}

/**
 * `POST /ws/v1/firehose/directory/refresh`, for the inner listener only. 202: the directory is asked again now, by every
 * replica. The body is not read.
 */
export function refreshRouter({ refresh, tokens }: RefreshRouteOptions): Router {
  const router = Router();
  const take = async (request: Request, response: Response) => {
    const isAllowed = (await tokens()).some((token) => createBearerCheck(token)(request));
    if (!isAllowed) return sendProblem(response, UNAUTHORIZED);
    // The answer does not wait for the poll: a directory server may be unable to answer it before this request ends.
    void refresh();
    response
      .status(202)
      .set({ 'Cache-Control': 'no-store', ...CLOSE_UNREAD })
      .json({ refresh: 'asked' });
  };
  router
    .route(DIRECTORY_REFRESH_PATH)
    .post((request, response) => take(request, response))
    .all(onlyMethods('POST'));
  return router;
}

const UNAUTHORIZED = bearerRequired('directory');
