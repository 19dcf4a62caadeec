import { setTimeout as delay } from 'node:timers/promises';
import { aborted } from '../../runtime/lifecycle/aborted.ts';
import type { ListedLeg } from '../mapper.ts';
import { isLastingReason, SwitchFault, type Switch, type SwitchConnection, type SwitchReason } from '../switch.ts';
import { createBackoff } from './backoff.ts';
import type { Intake } from './intake.ts';

const OPEN_LIMIT_MS = 60_000;
const LISTING_LIMIT_MS = 30_000;
const CLOSE_LIMIT_MS = 5_000;
/** Lower bound, so that a loop cannot spin. */
const AGAIN_MS = 100;

/** More than eight members: each step of a connection is a function of the endpoint. */
export interface ListenOptions {
  readonly switch: Switch;
  readonly signal: AbortSignal;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
  readonly random?: () => number;
  readonly openIntake: () => Intake;
  readonly onState: (state: 'Waiting' | 'Connecting' | 'Listing', reason: SwitchReason | '') => void;
  /** The subscription is in force, and these legs exist. Throws a SwitchFault when the connection cannot be adopted. */
  readonly onLive: (connection: SwitchConnection, intake: Intake, listing: readonly ListedLeg[]) => void;
  readonly onLost: (connection: SwitchConnection, reason: SwitchReason) => void;
  readonly onFault: (reason: SwitchReason, error: unknown) => void;
}

/** Listens to a switch until the signal aborts: Waiting, Connecting, Listing, live, and again. Never rejects. */
export async function listen(options: ListenOptions): Promise<void> {
  const { signal, elapsed, onState, random } = options;
  const backoff = createBackoff(random);
  while (!signal.aborted) {
    const { reason, liveMs } = await listenOnce(options, elapsed);
    if (signal.aborted) return;
    onState('Waiting', reason);
    const lasting = isLastingReason(reason);
    const waitMs = options.switch.connectsItself === true ? AGAIN_MS : backoff.next({ liveMs, lasting });
    await pause(waitMs, signal);
  }
}

async function listenOnce(options: ListenOptions, elapsed: () => number) {
  const { onLive, onLost, onState, onFault, openIntake } = options;
  // Signal of this attempt: no listener of it remains on the signal of the endpoint's life.
  const attempt = new AbortController();
  const signal = AbortSignal.any([options.signal, attempt.signal]);
  onState('Connecting', '');
  const intake = openIntake();
  let connection: SwitchConnection | null = null;
  let liveSince: number | null = null;
  let reason: SwitchReason = 'Disconnected';
  try {
    connection = await options.switch.open(intake, AbortSignal.any([signal, AbortSignal.timeout(OPEN_LIMIT_MS)]));
    onState('Listing', '');
    onLive(connection, intake, await listingOf(connection, signal));
    liveSince = elapsed();
    reason = await Promise.race([connection.lost, aborted(signal).then(() => 'Disconnected' as const)]);
  } catch (error) {
    reason = error instanceof SwitchFault ? error.code : 'Unreachable';
    if (!signal.aborted) onFault(reason, error);
  }
  // A switch that keeps its events sends each of them once: everything until the connection closes counts.
  if (connection?.keeping !== undefined) await close(connection);
  intake.end();
  if (connection !== null && liveSince !== null) onLost(connection, reason);
  if (connection !== null) await close(connection);
  attempt.abort();
  return { reason, liveMs: liveSince === null ? 0 : elapsed() - liveSince };
}

/** A connection that ends in the meantime returns no listing. */
async function listingOf(connection: SwitchConnection, signal: AbortSignal): Promise<readonly ListedLeg[]> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LISTING_LIMIT_MS)]);
  const lost = connection.lost.then((reason) => {
    throw new SwitchFault(reason, 'the connection ended before the switch had listed its legs');
  });
  const late = aborted(limit).then(() => {
    throw new SwitchFault('Silent', 'the switch did not list its legs in time');
  });
  return Promise.race([connection.listing(limit), lost, late]);
}

async function close(connection: SwitchConnection): Promise<void> {
  const closing = connection[Symbol.asyncDispose]();
  // The last messages of a broken connection change nothing.
  await Promise.race([closing.then(undefined, () => undefined), pause(CLOSE_LIMIT_MS, null)]);
}

async function pause(milliseconds: number, signal: AbortSignal | null): Promise<void> {
  try {
    await delay(milliseconds, undefined, signal === null ? { ref: false } : { signal });
  } catch (error) {
    // Only an abort rejects this timer, and the abort ends the loop that waits here.
    if (signal?.aborted !== true) throw error;
  }
}
