import type { Router } from 'express';
import { administrationRouter } from './administration-router.ts';
import { connectionRouter, type ConnectionRouteOptions } from './connection-route.ts';
import { revocationRouter, type RevocationRouteOptions } from './revocation-route.ts';

export type AdministrationParts = RevocationRouteOptions & ConnectionRouteOptions & { readonly token: string };

/** Puts together everything that can be administered. */
export function buildAdministration(parts: AdministrationParts): Router {
  return administrationRouter({ token: parts.token, resources: [revocationRouter(parts), connectionRouter(parts)] });
}
