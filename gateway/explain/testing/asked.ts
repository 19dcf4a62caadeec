import assert from 'node:assert/strict';
import { explanationSchema, type Explanation } from '../../../protocol/explanation.ts';
import type { RunningGateway } from '../../testing/running-gateway.ts';

/** An explanation, as administrators get it. */
export async function explained(
  at: Pick<RunningGateway, 'administer'>,
  query: Readonly<Record<string, string>>,
): Promise<Explanation> {
  const { status, body } = await at.administer(`/explain?${new URLSearchParams(query).toString()}`);
  assert.equal(status, 200, JSON.stringify(body));
  return explanationSchema.parse(body);
}

/** A repeatable sequence of numbers from 0 up to, but without, `below`. */
export function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
