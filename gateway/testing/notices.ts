import type { Notices } from '../fanout/connection.ts';

/** The notices that a test expects; any other is a failure of the test. */
export function expectedNotices(looked: Partial<Notices> = {}): Notices {
  const unexpected = (what: string) => () => {
    throw new Error(`unexpected notice: ${what}`);
  };
  return {
    lost: unexpected('lost'),
    skipped: unexpected('skipped'),
    poison: () => {},
    sourceGap: unexpected('source gap'),
    finished: unexpected('finished'),
    ...looked,
  };
}
