import { Router } from 'express';
import { GROUPS_PATH } from '../../protocol/paths.ts';
import type { DeclaredGroup } from '../../event-log/provisioning/report-groups.ts';
import type { Backlog } from '../group/backlog.ts';
import { onlyMethods } from '../http/respond.ts';
import type { LiveReplica } from '../replica/presence.ts';
import { membersOf } from './group-members.ts';

export interface GroupRouteOptions {
  /** The declared groups. */
  readonly groups: readonly Pick<DeclaredGroup, 'name'>[];
  /** By the name of the group; without those that could not be read. At most ten seconds old. */
  readonly backlog: () => ReadonlyMap<string, Backlog>;
  /** The replicas that are alive; empty with the embedded log, which has no groups. */
  readonly replicas: () => readonly LiveReplica[];
}

/** `GET` lists the declared groups: the undelivered entries of each, and its connections over all replicas. */
export function groupRouter({ groups, backlog, replicas }: GroupRouteOptions): Router {
  const router = Router();
  router
    .route(GROUPS_PATH)
    .get((_request, response) => {
      const known = backlog();
      const live = replicas();
      const shown = groups.map(({ name }) => ({
        group: name,
        ...waiting(known.get(name)),
        members: membersOf(name, live),
      }));
      response.set('Cache-Control', 'no-store').json({ groups: shown });
    })
    .all(onlyMethods('GET', 'HEAD'));
  return router;
}

/** Null while Redis does not report it; the lag is null before the first connection, too. */
function waiting(backlog: Backlog | undefined): object {
  if (backlog === undefined)
    return { accounts: null, lag: null, pending: null, oldest_pending_at: null, dead_letters: null };
  const { accounts, lag, pending, oldestPendingAt, deadLetters } = backlog;
  return {
    accounts,
    lag,
    pending,
    oldest_pending_at: oldestPendingAt === null ? null : new Date(oldestPendingAt).toISOString(),
    dead_letters: deadLetters,
  };
}
