import { z } from 'zod';
import { durationMs } from './duration.ts';
import { duration, ruled } from './rules.ts';

/**
 * The table of live calls: clients join with `snapshot=calls`. It also decides when the gateway ends a call that its
 * switch no longer ends.
 */
export const calls = ruled(
  z.strictObject({
    /** When off, nothing is read or kept for it. */
    enabled: z.boolean().default(false),
    /** A leg without an event for this long is ended. */
    silentAfter: duration('1m', '8760h').default('24h'),
    switchLost: z
      .strictObject({
        /** A leg whose switch was lost is ended after this time, unless an event of it arrives. */
        gracePeriod: duration('1s', '24h').default('60s'),
      })
      .prefault({}),
    /** What happens to the real end of a leg that was ended: kept as CALL_END_CORRECTED, or dropped. */
    lateEnd: z.enum(['Amend', 'Drop']).default('Amend'),
    /** Most live legs of one account, spread over the partitions. */
    maxLegsPerAccount: z.int().min(100).max(10_000_000).default(50_000),
  }),
  {
    cel: 'duration(self.switchLost.gracePeriod) <= duration(self.silentAfter)',
    holds: ({ switchLost, silentAfter }) => durationMs(switchLost.gracePeriod) <= durationMs(silentAfter),
    message: 'calls.switchLost.gracePeriod is at most calls.silentAfter',
    field: 'switchLost',
  },
);
export type CallsSpec = z.output<typeof calls>;
