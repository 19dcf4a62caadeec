import { z } from 'zod';

/** What the log has of an endpoint, as its leader announces it. */
const positionSchema = z.object({
  /** The last event such that all events of the endpoint before it are in the log; empty before the first. */
  id: z.string().max(128),
  /** What was heard before this time of Redis's clock is in the log. Unix milliseconds. */
  until: z.int().min(0),
  /** The life of the switch that was heard. */
  instance: z.string().max(128),
});
export type Position = z.output<typeof positionSchema>;

export function encodePosition(position: Position): string {
  return JSON.stringify(position);
}

/** Null when there is none, or it is not readable: the source then begins as on its first day. */
export function decodePosition(text: string): Position | null {
  try {
    return positionSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
