import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { KubernetesApi } from './api.ts';
import { ApiError } from './exchange.ts';
import { apiVersionOf, LEASES, type KubeObject } from './objects.ts';

/** `renewMs` < `deadlineMs` < `leaseMs`: the differences allow for slow answers and paused processes. */
export interface LeaseTimings {
  /** A standby waits this long after the last change of the record, by its own clock. */
  readonly leaseMs: number;
  /** A leader that could not renew for this long no longer leads. */
  readonly deadlineMs: number;
  readonly renewMs: number;
}

export const LEASE_TIMINGS: LeaseTimings = { leaseMs: 15_000, deadlineMs: 10_000, renewMs: 2_000 };

export interface ElectionOptions {
  readonly api: Pick<KubernetesApi, 'get' | 'create' | 'replace'>;
  readonly namespace: string;
  readonly name: string;
  /** Unique among all candidates, earlier processes included. */
  readonly identity: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly timings?: Partial<LeaseTimings>;
}

/** Another process leads, or may lead: this one must not write. */
export class LeadershipLost extends Error {
  override readonly name = 'LeadershipLost';
  readonly code = 'leadership_lost';
}

export interface Leadership {
  /** Aborted with a LeadershipLost when the lease is lost; the process ends then. */
  readonly lost: AbortSignal;
  /** By the monotonic clock: also false after a pause that outlasted the deadline, before any timer has fired. */
  isHeld(): boolean;
  /** Releases the lease, so that a standby need not wait. Never rejects. */
  release(): Promise<void>;
}

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

/** Waits until this process is the leader. Rejects with the signal's reason. */
export async function acquireLeadership(options: ElectionOptions): Promise<Leadership> {
  const timings = { ...LEASE_TIMINGS, ...options.timings };
  const seen = { record: '', at: performance.now() };
  for (;;) {
    const start = performance.now();
    try {
      const lease = await tryToTake(options, timings, seen);
      if (lease !== null) return lead(options, timings, { lease, renewedAt: start });
    } catch (error) {
      options.signal.throwIfAborted();
      options.logger.warn({ reason: (error as Error).message }, 'the lease cannot be read or acquired; trying again');
    }
    await delay(timings.renewMs * (0.75 + Math.random() / 2), undefined, { signal: options.signal });
  }
}

/** The lease when this process acquired it; null while another one holds it, or acquired it first. */
async function tryToTake(options: ElectionOptions, timings: LeaseTimings, seen: { record: string; at: number }) {
  const { api, namespace, name, identity } = options;
  const lease = await api.get(LEASES, namespace, name);
  const now = microTime(Date.now());
  const mine = { holderIdentity: identity, leaseDurationSeconds: seconds(timings), acquireTime: now, renewTime: now };
  try {
    if (lease === null) {
      const spec = { ...mine, leaseTransitions: 0 };
      return await api.create(LEASES, {
        apiVersion: apiVersionOf(LEASES),
        kind: 'Lease',
        metadata: { namespace, name },
        spec,
      });
    }
    const spec = lease['spec'] as LeaseSpec;
    const record = JSON.stringify(spec);
    if (record !== seen.record) Object.assign(seen, { record, at: performance.now() });
    const isFree = !spec.holderIdentity || spec.holderIdentity === identity;
    // Clocks of other machines are not trusted: a lease expires when its record has not changed here for long enough.
    const isExpired = performance.now() - seen.at > (spec.leaseDurationSeconds ?? 0) * 1_000;
    if (!isFree && !isExpired) return null;
    return await api.replace(LEASES, {
      ...lease,
      spec: { ...mine, leaseTransitions: (spec.leaseTransitions ?? 0) + 1 },
    });
  } catch (error) {
    if (error instanceof ApiError && error.status === 409) return null;
    throw error;
  }
}

function lead(
  options: ElectionOptions,
  timings: LeaseTimings,
  taken: { lease: KubeObject; renewedAt: number },
): Leadership {
  const { api, logger } = options;
  const lost = new AbortController();
  const stop = new AbortController();
  let { lease, renewedAt } = taken;
  const isHeld = () => !lost.signal.aborted && performance.now() - renewedAt < timings.deadlineMs;
  logger.info({ identity: options.identity }, 'this process is the leader');

  const renew = async () => {
    const start = performance.now();
    const spec = { ...(lease['spec'] as LeaseSpec), renewTime: microTime(Date.now()) };
    lease = await api.replace(LEASES, { ...lease, spec });
    renewedAt = start;
  };
  /** The change may be this process's own renewal whose answer was lost: then the next renewal starts from it. */
  const isTaken = async () => {
    const { namespace, name, identity } = options;
    const now = await api.get(LEASES, namespace, name).catch((error: unknown) => {
      logger.warn({ reason: (error as Error).message }, 'the lease could not be read');
      return lease;
    });
    if (now === null || (now['spec'] as LeaseSpec).holderIdentity !== identity) return true;
    lease = now;
    return false;
  };
  const renewing = (async () => {
    while (!stop.signal.aborted) {
      await delay(timings.renewMs, undefined, { signal: stop.signal }).catch(() => undefined);
      if (stop.signal.aborted) return;
      if (!isHeld()) return lost.abort(new LeadershipLost('the lease was not renewed in time'));
      try {
        await renew();
      } catch (error) {
        logger.warn({ reason: (error as Error).message }, 'the lease could not be renewed');
        const isChanged = error instanceof ApiError && (error.status === 409 || error.status === 404);
        if (isChanged && (await isTaken())) {
          return lost.abort(new LeadershipLost('the lease was taken by another'));
        }
      }
    }
  })();
  return {
    lost: lost.signal,
    isHeld,
    async release() {
      stop.abort();
      await renewing;
      if (!isHeld()) return;
      const spec = { ...(lease['spec'] as LeaseSpec), holderIdentity: '', leaseDurationSeconds: 1 };
      // Best effort: a lease that is not released expires.
      await api.replace(LEASES, { ...lease, spec }).catch((error: unknown) => {
        logger.warn({ reason: (error as Error).message }, 'the lease could not be released');
      });
    },
  };
}

/** V1MicroTime: the API server requires six digits, a Date has three. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

function seconds({ leaseMs }: LeaseTimings): number {
  return Math.max(1, Math.ceil(leaseMs / 1_000));
}
