import { z } from 'zod';

/**
 * Answers of the administration endpoint as programs read them: the command line and the console. Times are RFC 3339;
 * null means unknown or none. Keys of a newer version are ignored.
 */
const time = z.string();

const userSchema = z.object({
  username: z.string(),
  enabled: z.boolean(),
  privacy: z.string().nullable().describe('Profile of spec.privacy that holds for this user besides the default'),
});

const accountSchema = z.object({
  id: z.string(),
  name: z.string(),
  realm: z.string(),
  parent: z.string().nullable(),
  enabled: z.boolean(),
  active: z.boolean().describe('False when it or an account above it is disabled: no login works'),
  children: z.int().describe('Number of accounts right below'),
  users: z.array(userSchema).describe('At most 100'),
  users_total: z.int(),
});

export const directoryAnswerSchema = z.object({
  status: z.object({
    accounts: z.int(),
    users: z.int(),
    loaded_at: time,
    confirmed_at: time.nullable().describe('When the directory server confirmed it last; null for a file'),
    fault: z.string().nullable().describe('Why an older version is in force'),
    faults: z.int(),
    ambiguous_names: z.array(z.string()).describe('Names by which no login finds an account; at most 20'),
  }),
  accounts: z.array(accountSchema),
  next: z.string().nullable().describe('`after` of the next page'),
});
export type DirectoryAnswer = z.output<typeof directoryAnswerSchema>;

const sourceReplicaSchema = z.object({
  replica: z.string(),
  state: z.string(),
  since: time,
  reason: z.string().describe('Why it is not Live, or what it lacks; empty when nothing is wrong'),
  leading: z.boolean().describe('Whether this replica publishes the events'),
  bound: z.boolean().nullable(),
  heard_from: time.nullable(),
  heard_until: time.nullable(),
  at: time,
});

export const sourcesAnswerSchema = z.object({
  sources: z.array(
    z.object({
      source: z.string().describe('<namespace>/<name>'),
      kind: z.string(),
      seen_at: time,
      endpoints: z.array(
        z.object({
          endpoint: z.string(),
          replicas: z.array(sourceReplicaSchema),
          last_gap: z
            .object({ reason: z.string(), from: time, to: time, legs_ended: z.int(), legs_begun: z.int() })
            .nullable(),
          gaps_not_in_log: z.int(),
        }),
      ),
    }),
  ),
});
export type SourcesAnswer = z.output<typeof sourcesAnswerSchema>;

const status = z.enum(['ok', 'warn', 'fail']);
export const healthAnswerSchema = z.object({
  status,
  findings: z.array(
    z.object({
      check: z.string(),
      subject: z.string(),
      status,
      seen: z.string(),
      fix: z.string().nullable(),
    }),
  ),
});
