import { z } from 'zod';
import { accountsOfGroup } from '../../protocol/keys.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';

/**
 * The register of a declared group: which accounts have a group of this name, since when, and under which grant. It is
 * on the shard of partition 0. A field is an account, its value a row as JSON, times in milliseconds of Redis's clock.
 */
const rowSchema = z.object({
  since: z.number(),
  /** When a connection was last there; 0: there was none yet. */
  used: z.number(),
  /** Digest of the grant in force; empty until the first connection. */
  grant: z.string(),
  /** When the group was removed because it was unused; absent while it exists. */
  gone: z.number().optional(),
});
type AccountRow = z.output<typeof rowSchema>;

export interface AccountGroup {
  readonly account: string;
  readonly row: AccountRow;
}

/** Defines `now` (milliseconds), `row_of(account)` and `keep(account, row)` over the register in KEYS[1]. */
export const REGISTER_LUA = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function row_of(account)
  local text = redis.call('HGET', KEYS[1], account)
  return text and cjson.decode(text)
end
local function keep(account, row) redis.call('HSET', KEYS[1], account, cjson.encode(row)) end
`;

/** ARGV: account, 1 when connections used the group before. In an existing row only that field is changed. */
const REGISTER = defineScript(`${REGISTER_LUA}
local row = row_of(ARGV[1])
if row and not row.gone then
  if ARGV[2] == '1' and row.used == 0 then
    row.used = now
    keep(ARGV[1], row)
  end
  return 0
end
keep(ARGV[1], { since = now, used = ARGV[2] == '1' and now or 0, grant = '' })
return 1`);

/** Accounts of a group, including removed ones. Unreadable rows are ignored. Rejects with the client's error. */
export async function accountRows(
  client: RedisClient,
  keyPrefix: string,
  of: { readonly resource: string; readonly group: string },
): Promise<AccountGroup[]> {
  const rows = await client.hgetall(accountsOfGroup(keyPrefix, of).accounts);
  return Object.entries(rows).flatMap(([account, text]) => {
    const row = parse(text);
    return row === null ? [] : [{ account, row }];
  });
}

/**
 * Enters a group that was created without a connection: declared for its account, or migrated. Rejects with the
 * client's error.
 */
export async function registerAccount(
  client: RedisClient,
  keyPrefix: string,
  of: { readonly resource: string; readonly group: string; readonly account: string; readonly wasUsed: boolean },
): Promise<void> {
  const keys = [accountsOfGroup(keyPrefix, of).accounts];
  await runScript(client, REGISTER, { keys, args: [of.account, of.wasUsed ? '1' : '0'] });
}

function parse(text: string): AccountRow | null {
  try {
    return rowSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
