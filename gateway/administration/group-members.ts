import type { LiveReplica } from '../replica/presence.ts';

/** Connections of one account to a group, at one replica. */
export interface GroupMember {
  readonly account: string;
  readonly replica: string;
  readonly connections: number;
  /** Those that acknowledge nothing. */
  readonly hung: number;
}

/** Connections of a group by account and replica. Heartbeats name a group `<group>/<account>`. Pure. */
export function membersOf(group: string, replicas: readonly LiveReplica[]): readonly GroupMember[] {
  const prefix = `${group}/`;
  return replicas.flatMap(({ replica, heartbeat: { groups, hung } }) =>
    Object.entries(groups)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, connections]) => ({
        account: key.slice(prefix.length),
        replica,
        connections,
        hung: hung?.[key] ?? 0,
      })),
  );
}
