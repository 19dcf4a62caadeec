import { z } from 'zod';
import { serverFrameSchema } from './server-frame.ts';

/**
 * Messages of a stream of Server-Sent Events besides events: `event: firehose`, the frames of the control contract
 * without the key around them, and these two, each of which is the last one before the stream ends.
 */
const endSchema = z.strictObject({
  type: z.literal('end'),
  /** Same as the close codes of a WebSocket: from 4500 on reconnecting is useless. */
  code: z.int(),
  reason: z.string(),
});

/** A temporary refusal, as a message for an EventSource, which would never reconnect after another status than 200. */
const problemSchema = z.strictObject({
  type: z.literal('problem'),
  /** The HTTP status that any other client gets. */
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  /** When the client reconnects. */
  retry_after_ms: z.int().min(0),
});

export const eventStreamFrameSchema = z.discriminatedUnion('type', [
  ...serverFrameSchema.options,
  endSchema,
  problemSchema,
]);
export type EventStreamFrame = z.output<typeof eventStreamFrameSchema>;
