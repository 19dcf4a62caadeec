import { Router } from 'express';
import { ADMINISTRATION_REFERENCE_PATH } from '../../protocol/paths.ts';
import { administrationApi } from '../../protocol/reference/administration.ts';
import { VERSION } from '../../runtime/version.ts';
import { onlyMethods } from '../http/respond.ts';

/** `GET` returns the OpenAPI document of the administration endpoint. It is made once, at the first request. */
export function referenceRouter(): Router {
  let document: string | undefined;
  const router = Router();
  router
    .route(ADMINISTRATION_REFERENCE_PATH)
    .get((_request, response) => {
      document ??= JSON.stringify(administrationApi(VERSION));
      response.type('json').send(document);
    })
    .all(onlyMethods('GET', 'HEAD'));
  return router;
}
