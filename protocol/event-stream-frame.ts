import { z } from 'zod';
import { serverFrameSchema } from './server-frame.ts';

/**
 * What a stream of Server-Sent Events says beside events: `event: firehose`, the frames of the control contract without the
 * key around them, and these two, each the last one before the stream ends.
 */
const endSchema = z.strictObject({
  type: z.literal('end'),
  /** As the close codes of a WebSocket: from 4500 on coming back is of no use. */
  code: z.int(),
  reason: z.string(),
});

/** A refusal that passes, told to an EventSource, which would never come back after another status than 200. */
const problemSchema = z.strictObject({
  type: z.literal('problem'),
  /** The HTTP status that any other client gets. */
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  /** When the client comes back. */
  retry_after_ms: z.int().min(0),
});

export const eventStreamFrameSchema = z.discriminatedUnion('type', [
  ...serverFrameSchema.options,
  endSchema,
  problemSchema,
]);
export type EventStreamFrame = z.output<typeof eventStreamFrameSchema>;
