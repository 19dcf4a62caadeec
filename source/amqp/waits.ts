import { setTimeout as delay } from 'node:timers/promises';
import { NoAnswer } from '../../runtime/amqp/fault.ts';

/** amqplib leaves calls pending on a lost connection, and a quorum queue without a leader answers none. */
const STEP_LIMIT_MS = 10_000;

/** Rejects when the broker does not answer. */
export async function within<T>(work: Promise<T>, limitMs = STEP_LIMIT_MS): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new NoAnswer()), limitMs);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves at the end, or when the signal aborts. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => undefined);
}
