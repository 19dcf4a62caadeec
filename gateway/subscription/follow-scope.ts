import { isDeepStrictEqual } from 'node:util';
import { takesEffect, type Subscription } from '../../protocol/subscription.ts';
import type { Place } from '../../protocol/subscription/takes-effect.ts';
import { followFile } from '../../runtime/files/follow-file.ts';
import { createLive, type Live } from '../../runtime/lifecycle/live.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import { parseSubscription } from './parse-subscription.ts';
import { scopeOf, type Scope } from './scope.ts';
import { unreadable } from '../../runtime/files/text-file.ts';

export interface FollowScopeOptions {
  readonly path: string;
  /** The subscription at the start. */
  readonly initial: Subscription;
  /** In a cluster the operator replaces the pods by itself, and creates the signing keys. */
  readonly place: Place;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Milliseconds between two checks of the file, default 500. */
  readonly intervalMs?: number;
}

/** The followed parts of a subscription. */
export interface Followed {
  readonly scope: Live<Scope>;
  readonly privacy: Live<Subscription['spec']['privacy']>;
}

/**
 * Follows the subscription file: its filters, whether descendants are served, and the privacy profiles. Any other
 * change takes effect after a restart, which is logged. A faulty file changes nothing.
 */
export async function followScope(options: FollowScopeOptions): Promise<Followed> {
  const { path, initial, place, logger, signal, intervalMs } = options;
  const scope = createLive(scopeOf(initial.spec));
  const privacy = createLive(initial.spec.privacy);
  const refuse = (faults: readonly string[]) => {
    logger.error({ path, faults: faults.length }, `the subscription file is refused\n${faults.join('\n')}`);
  };
  await followFile(path, {
    signal,
    ...(intervalMs !== undefined && { intervalMs }),
    onContent(text) {
      const { value, faults } = parseSubscription(text, path);
      if (value === null) return refuse(faults);
      const fields = [
        ...(isDeepStrictEqual(value.metadata, initial.metadata) ? [] : ['metadata']),
        ...takesEffect().changes(initial.spec, value.spec, place),
      ];
      if (fields.length > 0)
        logger.warn({ path, fields }, 'the subscription has changes that take effect after a restart');
      const { includeDescendants } = value.spec.account;
      const next: Scope = { account: { ...initial.spec.account, includeDescendants }, filters: value.spec.filters };
      if (!isDeepStrictEqual(value.spec.privacy, privacy.current)) {
        const { profiles, default: usual } = value.spec.privacy;
        const names = profiles.map(({ name }) => name);
        logger.info({ path, profiles: names, default: usual }, 'the privacy profiles of the subscription have changed');
        privacy.set(value.spec.privacy);
      }
      if (isDeepStrictEqual(next, scope.current)) return;
      logger.info({ path }, 'the scope of the subscription has changed');
      scope.set(next);
    },
    onError: (error) => refuse([`${path}: ${unreadable(error)}`]),
  });
  return { scope, privacy };
}
