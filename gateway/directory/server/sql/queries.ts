import { z } from 'zod';
import { MAX_PROFILE_NAME, PROFILE_NAME } from '../../../../protocol/subscription/privacy.ts';
import { parseYaml } from '../../../../runtime/files/parse-yaml.ts';
import { SourceUnavailable } from '../feed.ts';
import type { ServedAccount, ServedUser } from '../entries.ts';

const query = z.string().trim().min(1).max(65_536);
const queriesSchema = z.strictObject({ accounts: query, users: query.optional() });

/** The two queries, as text of SQL. */
export type Queries = z.output<typeof queriesSchema>;

/** The file with the queries, or every fault of it. */
export const parseQueries = (text: string, file: string) => parseYaml(text, file, queriesSchema);

/** Many schemas have numeric ids. */
const id = z.union([z.string(), z.number(), z.bigint()]).transform(String);
const truth = z.union([z.boolean(), z.literal(0), z.literal(1)]).transform(Boolean);

const accountRow = z.object({
  id,
  name: z.string(),
  realm: z.string(),
  parent: id.nullish().transform((value) => value ?? null),
  enabled: truth.nullish().transform((value) => value ?? true),
});
const userRow = z
  .object({
    username: z.string(),
    account: id,
    password_hash: z.string(),
    enabled: truth.nullish().transform((value) => value ?? true),
    privacy: z.string().max(MAX_PROFILE_NAME).regex(PROFILE_NAME).nullish(),
  })
  .transform(({ password_hash: passwordHash, privacy, ...rest }) => ({
    ...rest,
    passwordHash,
    ...(typeof privacy === 'string' && { privacy }),
  }));

export const accountsFrom = (rows: readonly unknown[]): readonly ServedAccount[] => read(rows, accountRow, 'accounts');
export const usersFrom = (rows: readonly unknown[]): readonly ServedUser[] => read(rows, userRow, 'users');

/** The value of a column is never repeated: it may be a password. */
function read<T>(rows: readonly unknown[], schema: z.ZodType<T>, of: string): readonly T[] {
  return rows.map((row, at) => {
    const { data, error } = schema.safeParse(row);
    if (error === undefined) return data;
    const columns = error.issues.map(({ path }) => path.join('.')).join(', ');
    throw new SourceUnavailable('ROW_INVALID', `query ${of}: row ${at + 1} has no usable ${columns}`);
  });
}
