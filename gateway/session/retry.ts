import { randomInt } from 'node:crypto';
import type { Problem } from '../http/problem.ts';

/**
 * When a client of Server-Sent Events reconnects, in milliseconds: random within these bounds, so that many clients do
 * not reconnect at once.
 */
export interface Retry {
  readonly least: number;
  readonly most: number;
}

/** After an unexpected cut. */
export const FIRST_RETRY: Retry = { least: 1_000, most: 3_000 };
/** After an end that the gateway chose, or a temporary refusal. */
export const RETRY: Retry = { least: 2_000, most: 10_000 };

export function comeBackAfter({ least, most }: Retry): number {
  return randomInt(least, most + 1);
}

/** After a refusal: not before its `Retry-After`. */
export function retryOf({ headers }: Pick<Problem, 'headers'>): Retry {
  const wait = Math.max(RETRY.least, Number(headers?.['Retry-After'] ?? 0) * 1_000);
  return { least: wait, most: wait + RETRY.most - RETRY.least };
}
