import { createHash } from 'node:crypto';
import type { Subscription } from '../../protocol/subscription.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { Quota, reserveOfEach, type Slot } from './quota.ts';
import { redisSlots, type HolderKind } from './shared-slots.ts';

export type Reservation =
  { readonly slot: Slot } | { readonly slot: null; readonly exceeded: HolderKind; readonly most: number };

/** The quotas of a connection: one of its login's account, one of its user. */
export interface ConnectionQuota extends AsyncDisposable {
  reserve(holder: { readonly account: string; readonly username: string }): Promise<Reservation>;
}

type Connections = Subscription['spec']['gateway']['connections'];

export interface ConnectionLimits {
  /** Connections over all replicas; null: no limit of its own. */
  readonly account: number | null;
  readonly user: number | null;
}

/**
 * The limits in force. Without any, one account gets half of a replica and one user a quarter, so that others have
 * room. A limit that is given only for accounts also applies to their users.
 */
export function connectionLimits(
  connections: Pick<Connections, 'maxPerReplica' | 'maxPerAccount' | 'maxPerUser'>,
): ConnectionLimits {
  const { maxPerReplica, maxPerAccount, maxPerUser } = connections;
  const share = (parts: number) => Math.max(1, Math.floor(maxPerReplica / parts));
  return {
    account: maxPerAccount ?? share(2),
    user: maxPerUser ?? (maxPerAccount === undefined ? share(4) : null),
  };
}

const KINDS: readonly HolderKind[] = ['account', 'user'];

export interface ConnectionQuotaOptions {
  readonly limits: ConnectionLimits;
  /** Null: this process is the only replica. */
  readonly redis: RedisClient | null;
  readonly prefix: string;
  readonly resource: string;
  readonly logger: Logger;
}

export function startConnectionQuota({ limits, redis, logger, ...place }: ConnectionQuotaOptions): ConnectionQuota {
  const shared = redis && redisSlots(redis, place);
  const quotas = KINDS.flatMap((of) => {
    const most = limits[of];
    return most === null ? [] : [Quota.start({ of, most, shared, logger })];
  });
  return {
    async reserve({ account, username }) {
      const holders = { account, user: userHolder(account, username) };
      const reserved = await reserveOfEach(
        quotas,
        quotas.map(({ of }) => holders[of]),
      );
      if (typeof reserved !== 'number') return { slot: reserved };
      const { of, most } = quotas[reserved] as Quota;
      return { slot: null, exceeded: of, most };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(quotas.map((quota) => quota[Symbol.asyncDispose]()));
    },
  };
}

/** Hashed, so that keys contain no names. */
function userHolder(account: string, username: string): string {
  return createHash('sha256')
    .update(JSON.stringify([account, username]))
    .digest('base64url');
}
