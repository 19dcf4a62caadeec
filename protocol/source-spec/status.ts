import { z } from 'zod';
import { conditions, keyedList } from '../subscription/status.ts';
import { SWITCH_STATES } from '../source-report.ts';
import { SOURCE_GAP_REASONS } from '../source-gap.ts';

const dateTime = () => z.string().meta({ format: 'date-time' });

/** One switch or broker, from the report of the replica that knows most of it. */
const endpoint = z.strictObject({
  name: z.string(),
  state: z.enum([...SWITCH_STATES, 'Unknown']),
  /** The life of the switch. */
  instance: z.string().optional(),
  since: dateTime().optional(),
  /** Why it is not Live, or what it lacks. */
  reason: z.string().optional(),
});
export type EndpointStatus = z.output<typeof endpoint>;

/**
 * The operator's report on a source. Written when something changes, but not for a number that changes continuously.
 */
export const sourceStatusSchema = z.strictObject({
  observedGeneration: z.int().min(0).optional(),
  conditions: conditions.optional(),
  type: z.enum(['Kazoo', 'FreeSWITCH', 'Asterisk', 'Simulator']).optional(),
  /** `connected/all` endpoints, for people. */
  connected: z.string().optional(),
  endpoints: keyedList(endpoint, 'name', 64).optional(),
  /** The last interval in which no replica listened. */
  lastGap: z
    .strictObject({
      endpoint: z.string(),
      reason: z.enum(SOURCE_GAP_REASONS),
      from: dateTime(),
      to: dateTime(),
    })
    .optional(),
  replicas: z.int().min(0).optional(),
  readyReplicas: z.int().min(0).optional(),
  image: z.string().optional(),
  /** For the scale subresource. */
  selector: z.string().optional(),
});
export type SourceStatus = z.output<typeof sourceStatusSchema>;
