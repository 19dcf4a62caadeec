import { isDeepStrictEqual } from 'node:util';
import type { Subscription } from '../../protocol/subscription.ts';
import { followFile } from '../../runtime/files/follow-file.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import { parseSubscription } from './parse-subscription.ts';

export interface FollowedSubscription {
  /** Its scope is that of the file as it is now; everything else is as it was at the start. */
  readonly subscription: Subscription;
  /** Called after each change of the scope. Gives what ends it. */
  readonly onScopeChange: (listener: () => void) => () => void;
}

export interface FollowSubscriptionOptions {
  readonly path: string;
  /** As it was read at the start. */
  readonly initial: Subscription;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Time between two looks at the file, default 500 ms. */
  readonly intervalMs?: number;
}

/**
 * Follows what the resource offers: its filters, and whether descendants are served. Whatever else changes in the file is
 * in force after a restart, which is said; a file that is faulty changes nothing.
 */
export async function followSubscription(options: FollowSubscriptionOptions): Promise<FollowedSubscription> {
  const { path, initial, logger, signal, intervalMs } = options;
  const listeners = new Set<() => void>();
  let scope = scopeOf(initial);
  const refuse = (faults: readonly string[]) => {
    logger.error({ path, faults: faults.length }, `the subscription is not taken over\n${faults.join('\n')}`);
  };
  await followFile(path, {
    signal,
    ...(intervalMs !== undefined && { intervalMs }),
    onContent(text) {
      const { value, faults } = parseSubscription(text, path);
      if (value === null) return refuse(faults);
      if (!isDeepStrictEqual(withoutScope(value), withoutScope(initial))) {
        logger.warn({ path }, 'the subscription has changes that are in force after a restart');
      }
      const next = scopeOf(value);
      if (isDeepStrictEqual(next, scope)) return;
      scope = next;
      logger.info({ path }, 'the scope of the subscription has changed');
      for (const listener of listeners) listener();
    },
    onError: (error) => refuse([`${path}: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`]),
  });
  const spec: Subscription['spec'] = {
    ...initial.spec,
    get account() {
      return { ...initial.spec.account, includeDescendants: scope.includeDescendants };
    },
    get filters() {
      return scope.filters;
    },
  };
  return {
    subscription: { ...initial, spec },
    onScopeChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function scopeOf({ spec }: Subscription) {
  return { includeDescendants: spec.account.includeDescendants, filters: spec.filters };
}

/** What a running gateway does not follow, and would care for. */
function withoutScope({ spec, metadata }: Subscription): readonly unknown[] {
  const { account, redis, stream, consumerGroups, gateway, auth } = spec;
  const { connections, tls, trustedProxies, proxyProtocol, allowedOrigins } = gateway;
  const { ttl, issuer, audience } = auth.token;
  const listener = [connections, tls.disabled, trustedProxies, proxyProtocol, allowedOrigins];
  return [metadata, account.id, redis, stream, consumerGroups, ...listener, ttl, issuer, audience];
}
