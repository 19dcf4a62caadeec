import type { Router } from 'express';
import { administrationRouter } from './administration-router.ts';
import { connectionRouter, type ConnectionRouteOptions } from './connection-route.ts';
import { directoryRouter, type DirectoryRouteOptions } from './directory-route.ts';
import { deadLetterRouter, type DeadLetterRouteOptions } from './dead-letter-route.ts';
import { explainRouter, type ExplainRouteOptions } from './explain-route.ts';
import { groupRouter, type GroupRouteOptions } from './group-route.ts';
import { healthRouter, type HealthRouteOptions } from './health-route.ts';
import { lockoutRouter, type LockoutRouteOptions } from './lockout-route.ts';
import { revocationRouter, type RevocationRouteOptions } from './revocation-route.ts';
import { referenceRouter } from './reference-route.ts';
import { sourceRouter, type SourceRouteOptions } from './source-route.ts';
import { senderRouter, type SenderRouteOptions } from './sender-route.ts';

export type AdministrationParts = RevocationRouteOptions &
  ConnectionRouteOptions &
  DeadLetterRouteOptions &
  GroupRouteOptions &
  LockoutRouteOptions &
  DirectoryRouteOptions &
  SourceRouteOptions &
  HealthRouteOptions &
  ExplainRouteOptions &
  SenderRouteOptions & { readonly token: string };

/** Builds the routers of all resources, behind the token. */
export function buildAdministration(parts: AdministrationParts): Router {
  const resources = [
    revocationRouter(parts),
    connectionRouter(parts),
    groupRouter(parts),
    deadLetterRouter(parts),
    lockoutRouter(parts),
    senderRouter(parts),
    directoryRouter(parts),
    sourceRouter(parts),
    healthRouter(parts),
    explainRouter(parts),
    referenceRouter(),
  ];
  return administrationRouter({ token: parts.token, resources });
}
