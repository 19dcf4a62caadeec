import { z } from 'zod';
import type { Position } from '../../protocol/position.ts';

const position = z.object({ epoch: z.string(), ids: z.array(z.string()) });
const names = z.array(z.string()).nullable();
/** A grant as it is stored. */
export const grantSchema = z.object({ account: z.string(), accounts: names, events: names });
export type NotedGrant = z.output<typeof grantSchema>;

/** The session's account and user: in every entry, because earlier entries may be gone. */
const session = {
  session: z.string(),
  account: z.string(),
  user: z.string(),
  /** Time of recording, Unix milliseconds; for people: positions decide. */
  at: z.int().min(0),
};

/** Why a session skipped a part of the log without writing it. */
const PASSES = ['skipped_to_live', 'gap_told', 'snapshot'] as const;
export type PassReason = (typeof PASSES)[number];

/**
 * One entry. A grant is null when it is too long for an entry. Positions are those of a connection that reads the log
 * itself: in a group they are null.
 */
const entrySchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('opened'),
    ...session,
    replica: z.string(),
    token: z.string(),
    contract: z.string(),
    group: z.string().nullable(),
    grant: grantSchema.nullable(),
    from: position.nullable(),
  }),
  /** Another filter (`grant`) or token (`login` is its grant) after `position`. */
  z.object({
    kind: z.literal('filter'),
    ...session,
    token: z.string(),
    login: grantSchema.nullable(),
    grant: grantSchema.nullable(),
    position,
  }),
  /** Nothing between the two was written. */
  z.object({ kind: z.literal('passed'), ...session, reason: z.enum(PASSES), from: position, to: position }),
  /** It does not take events as fast as they arrive: the written events are exactly known only up to `position`. */
  z.object({ kind: z.literal('behind'), ...session, position }),
  z.object({ kind: z.literal('caught_up'), ...session, position }),
  /**
   * A pong proved that the client has read up to `position`. Contains grant and replica again, because `opened` may be
   * gone by now.
   */
  z.object({
    kind: z.literal('confirmed'),
    ...session,
    replica: z.string(),
    token: z.string(),
    contract: z.string(),
    grant: grantSchema.nullable(),
    position,
    behind_max: z.int().min(0),
  }),
  z.object({
    kind: z.literal('closed'),
    ...session,
    code: z.int(),
    /** The last place up to which events were passed to the connection. */
    position: position.nullable(),
    confirmed: position.nullable(),
    behind_max: z.int().min(0),
  }),
  /**
   * The account tree of a replica changed when it had delivered up to `position`. `moved` is null when the accounts are
   * unknown.
   */
  z.object({
    kind: z.literal('tree'),
    at: session.at,
    replica: z.string(),
    position: position.nullable(),
    moved: z.array(z.string()).nullable(),
  }),
  /** The resource's offer changed. */
  z.object({ kind: z.literal('offer'), at: session.at, replica: z.string(), position: position.nullable() }),
]);
export type JournalEntry = z.output<typeof entrySchema>;
export type SessionEntry = Extract<JournalEntry, { session: string }>;

/** Longer than any entry, except one with hundreds of accounts in its grant. */
const MOST_BYTES = 4_096;

/** In its stored form. A grant that is too long is omitted. */
export function encodeEntry(entry: JournalEntry): string {
  const text = JSON.stringify(entry);
  if (Buffer.byteLength(text) <= MOST_BYTES) return text;
  if ('login' in entry) return JSON.stringify({ ...entry, login: null, grant: null });
  if ('grant' in entry) return JSON.stringify({ ...entry, grant: null });
  return entry.kind === 'tree' ? JSON.stringify({ ...entry, moved: null }) : text;
}

/** Null when unreadable, because a later version wrote it. */
export function decodeEntry(text: string): JournalEntry | null {
  try {
    return entrySchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** A position in an entry. */
export function noted({ epoch, ids }: Position): z.output<typeof position> {
  return { epoch, ids: [...ids] };
}
