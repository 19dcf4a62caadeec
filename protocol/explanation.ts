import { z } from 'zod';
import { REASONS, type Reason } from './explanation-reason.ts';

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
