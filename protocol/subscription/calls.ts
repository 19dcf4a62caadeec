import { z } from 'zod';

/** The table of live calls: what clients join with `snapshot=calls`. */
export const calls = z.strictObject({
  /** Off, nothing is read or kept for it. */
  enabled: z.boolean().default(false),
});
