import type { Told } from '../fanout/connection.ts';

/** A connection that is told nothing but what the test looks at; anything else is a fault of the test. */
export function toldNothing(looked: Partial<Told> = {}): Told {
  const unexpected = (what: string) => () => {
    throw new Error(`nobody expected to be told: ${what}`);
  };
  return {
    lost: unexpected('lost'),
    skipped: unexpected('skipped'),
    poison: () => {},
    finished: unexpected('finished'),
    ...looked,
  };
}
