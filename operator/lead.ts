import type { Logger } from '../runtime/logging/logger.ts';
import {
  acquireLeadership,
  LeadershipLost,
  type ElectionOptions,
  type Leadership,
} from './kubernetes/leader-election.ts';

/** Whether this process may write, and until when. */
export interface Leading extends AsyncDisposable {
  readonly isLeader: boolean;
  /** Throws a LeadershipLost when this process must not write. */
  assertMayWrite(): void;
  /** Waits for the lease, then works until it is lost or this is disposed. Rejects with the error that ended it. */
  run(
    election: Omit<ElectionOptions, 'logger' | 'signal'>,
    work: (signal: AbortSignal) => Promise<void>,
  ): Promise<void>;
}

/** Time for running passes at the end. */
const LAST_PASSES_MS = 8_000;

/** Leads once: a process that has lost its lease ends, and the next one starts with empty caches. */
export function createLeading(logger: Logger): Leading {
  const quit = new AbortController();
  let leadership: Leadership | null = null;
  let running: Promise<void> | null = null;
  const lead: Leading['run'] = async (election, work) => {
    leadership = await acquireLeadership({ ...election, logger, signal: quit.signal });
    const { lost } = leadership;
    await work(AbortSignal.any([quit.signal, lost]));
    if (lost.aborted) throw lost.reason;
  };
  return {
    get isLeader() {
      return leadership?.isHeld() === true;
    },
    assertMayWrite() {
      if (leadership?.isHeld() !== true) throw new LeadershipLost('this process does not lead');
    },
    run(election, work) {
      running = lead(election, work);
      return running;
    },
    async [Symbol.asyncDispose]() {
      quit.abort();
      await Promise.race([running?.catch(() => undefined), delayed(LAST_PASSES_MS)]);
      await leadership?.release();
    },
  };
}

function delayed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
