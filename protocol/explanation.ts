import { z } from 'zod';

/** Checks in their order: the first false one is the cause. */
export const CHECKS = [
  'in_log',
  'sound',
  'account_known',
  'offered',
  'within_login',
  'account_granted',
  'event_granted',
  'user_enabled',
  'not_revoked',
  'connected',
  'within_filter',
  'not_skipped',
  'written',
  'confirmed',
  'kept_by_group',
  'owned',
  'acknowledged',
] as const;
export type CheckName = (typeof CHECKS)[number];

/** Why an event did not arrive, and what to do about it. */
export const REASONS = {
  unknown_event: 'No such event is in the log: it was never ingested, was refused, or is no longer kept',
  trimmed: 'The log no longer keeps this place',
  poison: 'The entry breaks the format: it is delivered to nobody',
  unknown_account: 'The directory has no such account: the event is delivered to nobody',
  filtered_by_resource: 'The resource does not offer this event of this account',
  outside_of_login: 'The account of the event is not that of the login, and not below it',
  account_not_granted: 'The token leaves out the account of the event',
  event_not_granted: 'The token leaves out events of this name',
  user_disabled: 'The user or its account is disabled or not there: no session is possible',
  revoked: 'The session was ended by a revocation, and none followed',
  no_session_then: 'No session was open when the event passed',
  filtered: 'The filter in force left the event out',
  gap_told: 'The session was behind what the log keeps, and was told of the gap',
  skipped_to_live: 'The session was slow and was taken to the newest event, and was told so',
  snapshot: 'The session began with a snapshot of the live calls, which is of a later moment',
  not_written_yet: 'The session is behind, and has not reached the event',
  not_read_yet: 'The group has not read the event yet',
  not_kept_by_group: 'The filter of the group leaves the event out',
  not_acknowledged_yet: 'The event was delivered, or will be again, and is not acknowledged',
  dead_letter: 'The group has given the event up',
} as const;
export type Reason = keyof typeof REASONS;
const reason = z.enum(Object.keys(REASONS) as [Reason, ...Reason[]]);

const VERDICTS = ['written', 'acknowledged', 'pending', 'dead_letter', 'not_written', 'unknown'] as const;

const explainedSession = z.object({
  session: z.string(),
  replica: z.string().nullable().describe('Null for a consumer, and where the journal lacks it'),
  contract: z.string().nullable(),
  opened_at: z.string().nullable(),
  closed_at: z.string().nullable(),
  close_code: z.int().nullable(),
  from: z.string().nullable().describe('Cursor after which it began; null in a group'),
  to: z.string().nullable().describe('Cursor up to which events were written; null while it is open'),
  behind_max: z.int().describe('Most events that it was behind'),
  written: z.boolean().nullable(),
  confirmed: z.boolean().nullable().describe('Whether a pong proved that the client has read it'),
});
export type ExplainedSession = z.output<typeof explainedSession>;

const checkSchema = z.object({
  check: z.enum(CHECKS),
  ok: z.boolean().nullable().describe('Null: it cannot be known'),
  detail: z.string(),
});
export type Check = z.output<typeof checkSchema>;

/** Why an event arrived or not. Times are RFC 3339. */
export const explanationSchema = z.object({
  event: z
    .object({
      id: z.string(),
      name: z.string(),
      account_id: z.string().nullable(),
      call_id: z.string().nullable(),
      position: z.string().describe('<partition>:<entry id>'),
      ingested_at: z.string().nullable(),
    })
    .nullable(),
  verdict: z.enum(VERDICTS),
  reason: reason.nullable(),
  checks: z.array(checkSchema),
  sessions: z.array(explainedSession),
  known_since: z.string().nullable().describe('What was before is not in the journal'),
  webhook_attempts: z
    .array(z.object({ at: z.string(), attempt: z.int(), status: z.int().nullable(), code: z.string().nullable() }))
    .describe('Requests of this replica with the event; empty without a webhook'),
});
export type Explanation = z.output<typeof explanationSchema>;
export type Verdict = Explanation['verdict'];
