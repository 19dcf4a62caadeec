import { z } from 'zod';

/** What the log has of an endpoint, as its leader announces it. */
const positionSchema = z.object({
  /**
   * The log has all events of the endpoint up to this one, except those that waited for an account then; empty before
   * the first.
   */
  id: z.string().max(128),
  /** The log has everything that was received before this time of Redis's clock. Unix milliseconds. */
  until: z.int().min(0),
  /** The life of the switch at that time. */
  instance: z.string().max(128),
});
export type Position = z.output<typeof positionSchema>;

export function encodePosition(position: Position): string {
  return JSON.stringify(position);
}

/** Null when it is absent or unreadable: the source then begins as on its first day. */
export function decodePosition(text: string): Position | null {
  try {
    return positionSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
