import { Router } from 'express';
import { CONNECTIONS_PATH } from '../../protocol/paths.ts';
import { onlyMethods, sendProblem } from '../http/respond.ts';
import type { ClientConnection } from '../session/client-connection.ts';
import { readPage } from './read-request.ts';

/** The part of a session that is shown. */
type ShownSession = Pick<ClientConnection, 'id' | 'number' | 'address' | 'contract' | 'since' | 'isBehind'> & {
  readonly token: Pick<ClientConnection['token'], 'grant' | 'username'>;
};

export interface ConnectionRouteOptions {
  /** Live sessions, lowest number first. */
  readonly sessions: Iterable<ShownSession>;
}

/** `GET` lists the live connections of this replica, the oldest first. */
export function connectionRouter({ sessions }: ConnectionRouteOptions): Router {
  const router = Router();
  router
    .route(CONNECTIONS_PATH)
    .get((request, response) => {
      const read = readPage(request.query);
      if ('problem' in read) return sendProblem(response, read.problem);
      response.set('Cache-Control', 'no-store').json(pageOf(sessions, read.page));
    })
    .all(onlyMethods('GET', 'HEAD'));
  return router;
}

function pageOf(sessions: Iterable<ShownSession>, { after = 0, limit }: { after?: number | undefined; limit: number }) {
  const page: ShownSession[] = [];
  for (const session of sessions) {
    if (session.number <= after) continue;
    if (page.length === limit) return { connections: page.map(shown), next: String(page.at(-1)?.number) };
    page.push(session);
  }
  return { connections: page.map(shown), next: null };
}

function shown({ id, token, since, address, contract, isBehind }: ShownSession): object {
  return {
    session: id,
    account: token.grant.account,
    username: token.username,
    since: new Date(since).toISOString(),
    address,
    contract,
    behind: isBehind,
  };
}
