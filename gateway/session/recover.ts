import { setTimeout as delay } from 'node:timers/promises';
import { reaches, type Position } from '../../protocol/position.ts';
import type { Fanout } from '../fanout/fanout.ts';
import { LogUnavailable } from '../../event-log/event-log.ts';
import { oldestPosition, type LogWindow } from '../../event-log/log-window.ts';

const RETRY_MS = 500;

/**
 * The oldest available position, once the log and this replica's reader have it; null when it is no longer needed.
 * Retries until then: a connection outlives an outage of the log.
 */
export async function recover(
  window: LogWindow,
  options: { readonly isWanted: () => boolean; readonly fanout: Fanout },
): Promise<Position | null> {
  const { isWanted, fanout } = options;
  while (isWanted()) {
    const state = await window.state(100).catch(unlessUnavailable);
    const oldest = state === null ? null : oldestPosition(state);
    if (oldest !== null && hasReached(fanout, oldest)) return isWanted() ? oldest : null;
    await delay(RETRY_MS, undefined, { ref: false });
  }
  return null;
}

/** Whether this replica has read the log up to a position. */
export function hasReached(fanout: Fanout, position: Position): boolean {
  const { position: head } = fanout;
  return head !== null && head.epoch === position.epoch && reaches(head.ids, position.ids);
}

function unlessUnavailable(error: unknown): null {
  if (error instanceof LogUnavailable) return null;
  throw error;
}
