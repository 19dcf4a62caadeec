import { z } from 'zod';

/**
 * A gateway replica's report about itself: written by the replica, read by the other replicas, the operator and the
 * doctor. Keys of a newer version are ignored; a record that lacks a key, or has a wrong type, is unreadable.
 */
export const heartbeatSchema = z.object({
  /** Ids of the signing keys that the replica verifies; the first one signs. */
  keys: z.array(z.string()),
  /** Open connections, of every contract. */
  connections: z.int().min(0),
  /** Connections of each consumer group with connections here, by `<group>/<account>`. */
  groups: z.record(z.string(), z.int().min(1)),
  /** Of these, connections that hang, by the same key. A replica of an older version lacks it. */
  hung: z.record(z.string(), z.int().min(1)).optional(),
  /** For a directory over HTTP: when it was last confirmed (Unix ms), and why no newer one is in force. */
  directory: z.object({ confirmedAt: z.int().min(0), fault: z.string().max(64).nullable() }).optional(),
  /** Revision of the Deployment that the replica belongs to; empty when unknown. */
  revision: z.string().default(''),
  /** Whether the replica keeps the table of live calls. A replica of an older version lacks it. */
  calls: z.boolean().optional(),
  /**
   * How far the replica has delivered, to connections that are not behind. A replica of an older version does not tell, nor one that
   * has not reached the log.
   */
  position: z.object({ epoch: z.string(), ids: z.array(z.string()) }).optional(),
  /** Whether the replica is stopping. */
  leaving: z.boolean().default(false),
});

export type Heartbeat = z.output<typeof heartbeatSchema>;

export function encodeHeartbeat(heartbeat: Heartbeat): string {
  return JSON.stringify(heartbeat);
}

/** Null when the text is missing or unreadable. */
export function decodeHeartbeat(text: string | null): Heartbeat | null {
  if (text === null) return null;
  try {
    return heartbeatSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
