import type { Subscription } from '../../protocol/subscription.ts';

/**
 * What a resource offers: its account, whether descendants are served, and its filters. Followed while the gateway
 * runs.
 */
export type Scope = Pick<Subscription['spec'], 'account' | 'filters'>;

export function scopeOf({ account, filters }: Subscription['spec']): Scope {
  return { account, filters };
}
