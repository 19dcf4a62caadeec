import { z } from 'zod';
import { callSchema } from './call.ts';
import { filterSchema } from './client-frame.ts';
import { MAX_ENTRY_BYTES } from './event-object.ts';
import { META_KEY } from './event-meta.ts';
import { SOURCE_GAP_REASONS } from './source-gap.ts';

/**
 * Messages of the control contract besides events: a text message whose only key is `_firehose`, an object with a
 * `type`. An event has other keys before it. Times are RFC 3339, durations milliseconds, unknown values are null and
 * never absent.
 */
const time = z.iso.datetime();
const ms = z.int().min(0);
const cursor = z.string();

/** The effective filter; null is all of the token's scope. */
const filter = z.strictObject({
  accounts: filterSchema.shape.accounts,
  events: filterSchema.shape.events,
});

const helloSchema = z.strictObject({
  type: z.literal('hello'),
  session: z.string(),
  heartbeat_ms: ms,
  /**
   * Events after this one follow; in a group its position, after which its unfinished events may follow too. Null while
   * unknown.
   */
  cursor: cursor.nullable(),
  /** The oldest cursor that can be requested; null while unknown. */
  oldest: cursor.nullable(),
  filter,
  expires_at: time,
  group: z.string().nullable(),
  /** The profile that hides personal data; null: none. */
  privacy: z.string().nullable(),
  /** The largest text message that a client must take: an event with its `_firehose`. */
  max_message_bytes: z.int().min(1),
  /** In a group: this replica owns nothing of it now; events come once it does. On a change `hello` is sent again. */
  standby: z.boolean().nullable(),
});

/** Everything up to `cursor` was sent or did not match: an idle, filtered consumer resumes from it. */
const watermarkSchema = z.strictObject({ type: z.literal('watermark'), cursor, time });

export const GAP_REASONS = [
  'cursor_too_old',
  'epoch_lost',
  'from_before_oldest',
  'skipped_to_live',
  'trimmed',
  'poison',
] as const;
/** Events that were lost. `missed` counts entries of all accounts, null when unknown. */
const gapSchema = z.strictObject({
  type: z.literal('gap'),
  reason: z.enum(GAP_REASONS),
  /** The cursor, or the time, from which events were requested; in a group the known ids of lost events. */
  requested: z.string().nullable(),
  oldest: cursor.nullable(),
  missed: z.int().min(0).nullable(),
});
export type GapReason = (typeof GAP_REASONS)[number];

/**
 * No events of a switch were received in this time: calls that began or ended in it may be missing from the log, for
 * every connection. Changes found afterwards follow as events that are marked as synthetic.
 */
const sourceGapSchema = z.strictObject({
  type: z.literal('source_gap'),
  /** Pseudonym of the source in all its gaps. */
  source: z.string(),
  reason: z.enum(SOURCE_GAP_REASONS),
  from: time,
  to: time,
  /** Legs of all accounts; null for a connection that may not see all of the resource. */
  legs_ended: z.int().min(0).nullable(),
  legs_begun: z.int().min(0).nullable(),
});

const expiry = { expires_at: time, expires_in_ms: ms };
const tokenExpiringSchema = z.strictObject({ type: z.literal('token_expiring'), ...expiry });
/** A new token is in force; `scope` is what this connection may see from now on: at most its former scope. */
const authOkSchema = z.strictObject({ type: z.literal('auth_ok'), ...expiry, scope: filter });
/**
 * The filter and the privacy profile now in force, and the cursor after which they apply; null while the log's place is
 * unknown. Sent after a filter of the client, and by itself when another profile applies or its content has changed.
 */
const filterInForceSchema = z.strictObject({
  type: z.literal('filter'),
  filter,
  privacy: z.string().nullable(),
  cursor: cursor.nullable(),
});
/** How far this connection is behind the log; a value is null when only the other is known. */
const laggingSchema = z.strictObject({
  type: z.literal('lagging'),
  behind_events: z.int().min(0).nullable(),
  behind_ms: ms.nullable(),
});
/** This replica drains: reconnect after this time, spread over the drain window. */
const drainSchema = z.strictObject({ type: z.literal('drain'), retry_after_ms: ms });
/** A well-formed client frame that cannot be granted; the connection continues. */
const errorSchema = z.strictObject({
  type: z.literal('error'),
  code: z.string(),
  detail: z.string(),
  ref: z.string().nullable(),
});

/** Why a snapshot is sent: the client joined with it, it lost events, or it asked. */
const SNAPSHOT_REASONS = ['join', 'gap', 'asked'] as const;
export type SnapshotReason = (typeof SNAPSHOT_REASONS)[number];
/**
 * The live calls at `cursor` follow, one frame each, and no event between them. A snapshot without its end does not
 * count.
 */
const snapshotBeginSchema = z.strictObject({
  type: z.literal('snapshot_begin'),
  cursor,
  /** When it was read. */
  as_of: time,
  reason: z.enum(SNAPSHOT_REASONS),
});
const callFrameSchema = z.strictObject({ type: z.literal('call'), call: callSchema });
/** The snapshot is complete: everything after this is after `cursor`. */
const snapshotEndSchema = z.strictObject({ type: z.literal('snapshot_end'), cursor, calls: z.int().min(0) });

export const serverFrameSchema = z.discriminatedUnion('type', [
  helloSchema,
  watermarkSchema,
  gapSchema,
  sourceGapSchema,
  tokenExpiringSchema,
  authOkSchema,
  filterInForceSchema,
  laggingSchema,
  drainSchema,
  errorSchema,
  snapshotBeginSchema,
  callFrameSchema,
  snapshotEndSchema,
]);
export type ServerFrame = z.output<typeof serverFrameSchema>;

/** Bytes for the `_firehose` of an event, in addition to the event. */
const META_BYTES = 4_096;
export const MAX_MESSAGE_BYTES = MAX_ENTRY_BYTES + META_BYTES;

/** The text of a control frame. */
export function encodeServerFrame(frame: ServerFrame): string {
  return JSON.stringify({ [META_KEY]: frame });
}
